#include "runtime_env/installer_option.hpp"

#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace rtenv::runtime_env {
namespace {

enum class Value : std::uint8_t { none, required };

struct Known {
  std::string_view long_form;
  std::string_view short_form;  // may be empty
  Value value;
  OptionUse use;
};
constexpr auto k_none = Value::none;
constexpr auto k_required = Value::required;
constexpr auto k_how = OptionUse::how_it_runs;

constexpr std::array k_known{
    Known{"--requirement", "-r", k_required, OptionUse::line},
    Known{"--constraint", "-c", k_required, OptionUse::line},
    Known{"--find-links", "-f", k_required, OptionUse::line},
    Known{"--editable", "-e", k_required, OptionUse::line},
    Known{"--override", "", k_required, OptionUse::list},
    Known{"--exclude", "", k_required, OptionUse::list},
    Known{"--build-constraint", "-b", k_required, OptionUse::list},
    Known{"--index-url", "-i", k_required, OptionUse::index},
    Known{"--extra-index-url", "", k_required, OptionUse::index},
    Known{"--index", "", k_required, OptionUse::index},
    Known{"--default-index", "", k_required, OptionUse::index},
    Known{"--python", "-p", k_required, OptionUse::as_written},
    Known{"--target", "-t", k_required, OptionUse::as_written},
    Known{"--prefix", "", k_required, OptionUse::as_written},
    Known{"--root", "", k_required, OptionUse::as_written},
    Known{"--src", "", k_required, OptionUse::as_written},
    Known{"--report", "", k_required, OptionUse::as_written},
    Known{"--project", "", k_required, OptionUse::as_written},
    Known{"--directory", "", k_required, OptionUse::as_written},
    Known{"--quiet", "-q", k_none, k_how},
    Known{"--verbose", "-v", k_none, k_how},
    Known{"--no-color", "", k_none, k_how},
    Known{"--color", "", k_required, k_how},
    Known{"--no-progress", "", k_none, k_how},
    Known{"--progress-bar", "", k_required, k_how},
    Known{"--log", "", k_required, OptionUse::servers},
    Known{"--log-file", "", k_required, OptionUse::servers},
    Known{"--timeout", "", k_required, k_how},
    Known{"--default-timeout", "", k_required, k_how},
    Known{"--retries", "", k_required, k_how},
    Known{"--cache-dir", "", k_required, OptionUse::servers},
    Known{"--no-cache", "-n", k_none, k_how},
    Known{"--no-cache-dir", "", k_none, k_how},
    Known{"--proxy", "", k_required, OptionUse::servers},
    Known{"--cert", "", k_required, OptionUse::servers},
    Known{"--client-cert", "", k_required, OptionUse::servers},
    Known{"--trusted-host", "", k_required, OptionUse::servers},
    Known{"--allow-insecure-host", "", k_required, OptionUse::servers},
    Known{"--native-tls", "", k_none, OptionUse::servers},
    Known{"--system-certs", "", k_none, OptionUse::servers},
    Known{"--keyring-provider", "", k_required, k_how},
    Known{"--no-input", "", k_none, k_how},
    Known{"--disable-pip-version-check", "", k_none, k_how},
    Known{"--no-python-version-warning", "", k_none, k_how},
    Known{"--no-warn-script-location", "", k_none, k_how},
    Known{"--no-warn-conflicts", "", k_none, k_how},
    Known{"--root-user-action", "", k_required, k_how},
};

// uv's options for files have plural forms, too.
const Known* find_long(std::string_view name) {
  const auto* const found = std::ranges::find_if(k_known, [&](const Known& option) {
    const bool names_files = option.use == OptionUse::line || option.use == OptionUse::list;
    return name == option.long_form || (names_files && name.ends_with('s') &&
                                        name.substr(0, name.size() - 1) == option.long_form);
  });
  return found == k_known.end() ? nullptr : found;
}

const Known* find_short(std::string_view word) {
  const auto* const found = std::ranges::find_if(k_known, [&](const Known& option) {
    return !option.short_form.empty() && word.starts_with(option.short_form);
  });
  return found == k_known.end() ? nullptr : found;
}

// "-qq", "-vvv": a flag that is repeated.
bool is_repeated(std::string_view word, const Known& flag) {
  return word.find_first_not_of(flag.short_form.back(), 1) == std::string_view::npos;
}

}  // namespace

InstallerOption read_option(std::span<const std::string> words) {
  const std::string_view word = words.front();
  const bool is_long = word.starts_with("--");
  const auto name_end = is_long ? std::min(word.find_first_of("= "), word.size()) : word.size();
  const Known* known = nullptr;
  if (is_long)
    known = find_long(word.substr(0, name_end));
  else if (word.starts_with('-'))
    known = find_short(word);
  const std::string flag(
      word.substr(0, is_long || known == nullptr ? name_end : known->short_form.size()));
  std::string_view rest = word.substr(flag.size());
  if (known == nullptr) {
    InstallerOption unknown{.name = flag, .flag = flag, .value = std::nullopt};
    if (!rest.empty()) unknown.value = rest.substr(1);
    return unknown;
  }
  InstallerOption option{.name = std::string(known->long_form),
                         .flag = flag,
                         .value = std::nullopt,
                         .use = known->use};
  if (known->value == Value::none) {
    // Flags in one word may be others than this one.
    if (!rest.empty() && (is_long || !is_repeated(word, *known)))
      return {.name = std::string(word), .flag = std::string(word), .value = std::nullopt};
    return option;
  }
  if (!rest.empty()) {
    if (rest.starts_with('=')) rest.remove_prefix(1);
    option.value = trim(rest);
  } else if (words.size() > 1) {
    option.value = words[1];
    option.words = 2;
  }
  return option;
}

OptionUse option_use_of_variable(std::string_view name) {
  const auto prefix = name.find('_');
  if (prefix == std::string_view::npos) return OptionUse::other;
  std::string option = "--" + lower_ascii(name.substr(prefix + 1));
  std::ranges::replace(option, '_', '-');
  const Known* known = find_long(option);
  return known == nullptr ? OptionUse::other : known->use;
}

}  // namespace rtenv::runtime_env
