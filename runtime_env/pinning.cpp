#include "runtime_env/pinning.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <string_view>

#include "runtime_env/project_name.hpp"

namespace rtenv::runtime_env {
namespace {

using nlohmann::json;

constexpr std::size_t k_commit_digits = 40;

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool has_content_digest(std::string_view item) {
  return item.starts_with("source ") || contains(item, " sha256:") || contains(item, "--hash=");
}

// "git+https://host/project@0123…#egg=x"
bool names_commit(std::string_view url) {
  const std::string_view location = url.substr(url.find("://"));
  const std::string_view before_fragment = location.substr(0, location.find_first_of("# ;"));
  const auto at = before_fragment.rfind('@');
  const std::string_view revision =
      at == std::string_view::npos ? std::string_view() : before_fragment.substr(at + 1);
  return contains(url, "git+") && revision.size() == k_commit_digits &&
         revision.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_pinned_url(std::string_view url) {
  return contains(url, "#sha256=") || contains(url, "&sha256=") || names_commit(url);
}

bool has_exact_version(std::string_view requirement) {
  return is_exact_version(requirement.substr(0, requirement.find(';')));
}

// The option's value: of "--index-url https://…", "--index-url=https://…" and "-ihttps://…"; empty
// if it is the next item; nullopt if the item is another option.
std::optional<std::string_view> value_of(std::string_view item, std::string_view option) {
  if (!item.starts_with(option)) return std::nullopt;
  const std::string_view rest = item.substr(option.size());
  if (rest.empty() || rest.front() == '=' || rest.front() == ' ') return rest;
  return option.starts_with("--") ? std::nullopt : std::optional(rest);
}

constexpr std::array<std::string_view, 10> k_sources{
    "-i",           "--index-url", "--extra-index-url", "--index",      "--default-index", "-f",
    "--find-links", "-c",          "--constraint",      "--constraints"};
constexpr std::array<std::string_view, 3> k_lists{"-r", "--requirement", "--requirements"};

// Whether an item is one of the options and names something on a server: what is local is in the
// key by its content, as an object.
bool names_remote(const json& options, std::size_t i, std::span<const std::string_view> names) {
  if (!options[i].is_string()) return false;
  const std::string& item = options[i].get_ref<const std::string&>();
  return std::ranges::any_of(names, [&](std::string_view name) {
    const auto value = value_of(item, name);
    return value && (!value->empty() || i + 1 >= options.size() || !options[i + 1].is_object());
  });
}

std::optional<std::string> first_unpinned_of_phase(const json& parts) {
  const json requirements = parts.value("requirements", json::array());
  const json constraints = parts.value("constraints", json::array());
  const json options = parts.value("options", json::array());
  bool has_source = false;
  for (std::size_t i = 0; i < options.size(); ++i) {
    if (names_remote(options, i, k_lists)) return options[i].get<std::string>();
    has_source |= names_remote(options, i, k_sources);
  }
  std::set<std::string> constrained;
  for (const json& item : constraints)
    if (item.is_string() && has_exact_version(item.get_ref<const std::string&>()))
      constrained.insert(project_name(item.get_ref<const std::string&>()));
  for (const json& requirement : requirements) {
    if (!requirement.is_string()) continue;
    const auto& item = requirement.get_ref<const std::string&>();
    if (has_content_digest(item)) continue;
    const bool pinned =
        contains(item, "://")
            ? is_pinned_url(item)
            : !has_source && (has_exact_version(item) || constrained.contains(project_name(item)));
    if (!pinned) return item;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> first_unpinned(const json& parts) {
  if (auto found = first_unpinned_of_phase(parts)) return found;
  for (const json& phase : parts.value("later_phases", json::array()))
    if (auto found = first_unpinned_of_phase(phase)) return found;
  return std::nullopt;
}

bool is_exact_version(std::string_view specifier) {
  for (auto at = specifier.find("=="); at != std::string_view::npos;) {
    const std::string_view rest = specifier.substr(at);
    const std::string_view clause = rest.substr(0, rest.find(','));
    if (clause.starts_with("===") || !contains(clause, "*")) return true;
    at = specifier.find("==", at + clause.size());
  }
  return false;
}

}  // namespace rtenv::runtime_env
