#include "runtime_env/requirement_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/encoding.hpp"
#include "base/lines.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"

namespace rtenv::runtime_env {
namespace {

using Kind = RequirementLine::Kind;

constexpr std::string_view k_spaces = " \t\r\f\v";

std::string_view strip(std::string_view text) { return trim(text, k_spaces); }

// A comment begins at the start of the line or after a space: a '#' in a URL doesn't begin one.
std::string_view without_comment(std::string_view line) {
  for (auto hash = line.find('#'); hash != std::string_view::npos; hash = line.find('#', hash + 1))
    if (hash == 0 || k_spaces.find(line[hash - 1]) != std::string_view::npos)
      return strip(line.substr(0, hash));
  return strip(line);
}

std::string unquoted(std::string_view text) {
  text = strip(text);
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
      text.back() == text.front())
    text = text.substr(1, text.size() - 2);
  return std::string(text);
}

RequirementLine of_kind(Kind kind, std::string text) {
  RequirementLine line;
  line.kind = kind;
  line.text = std::move(text);
  return line;
}

struct OptionName {
  std::string_view short_form;
  std::string_view long_form;
  Kind kind;
};
constexpr std::array<OptionName, 4> k_options{{{"-r", "--requirement", Kind::include},
                                               {"-c", "--constraint", Kind::constraint},
                                               {"-f", "--find-links", Kind::find_links},
                                               {"-e", "--editable", Kind::editable}}};

RequirementLine parse_option(std::string_view line) {
  for (const OptionName& option : k_options) {
    if (line.starts_with(option.long_form)) {
      const std::string_view rest = line.substr(option.long_form.size());
      const bool separated = !rest.empty() && (rest.front() == '=' || k_spaces.find(rest.front()) !=
                                                                          std::string_view::npos);
      if (separated) return of_kind(option.kind, unquoted(rest.substr(1)));
    } else if (line.starts_with(option.short_form) && !line.starts_with("--")) {
      return of_kind(option.kind, unquoted(line.substr(2)));
    }
  }
  return of_kind(Kind::option, std::string(line));
}

// Stores that installers can't read: not http and https, nor file:.
bool is_store_uri(std::string_view text) {
  constexpr std::array<std::string_view, 5> k_stores{"s3://", "gs://", "azure://", "abfss://",
                                                     "gcs://"};
  return std::ranges::any_of(k_stores,
                             [&](std::string_view store) { return text.starts_with(store); });
}

// "file:///a%20b/x.whl" → "/a b/x.whl"; nullopt for other hosts and schemes.
std::optional<std::string> path_of_file_url(std::string_view text) {
  if (!text.starts_with("file:")) return std::nullopt;
  text.remove_prefix(5);
  if (text.starts_with("//localhost/")) text.remove_prefix(11);
  if (text.starts_with("///")) text.remove_prefix(2);
  if (!text.starts_with('/') || text.starts_with("//")) return std::nullopt;
  return percent_decode(text.substr(0, text.find('#')));
}

constexpr bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// The beginning of a line as in PEP 508, "name[extras]", and what follows it, without spaces
// around it. Nullopt if the line doesn't begin with a name.
struct Named {
  std::string_view name;
  std::string_view extras;  // with the brackets
  std::string_view rest;
};
std::optional<Named> split_name(std::string_view line) {
  const auto* const end = std::ranges::find_if(
      line, [](char c) { return !is_alphanumeric(c) && c != '-' && c != '_' && c != '.'; });
  Named named{.name = line.substr(0, static_cast<std::size_t>(end - line.begin())),
              .extras = {},
              .rest = {}};
  if (named.name.empty() || !is_alphanumeric(named.name.front()) ||
      !is_alphanumeric(named.name.back()))
    return std::nullopt;
  named.rest = strip(line.substr(named.name.size()));
  if (!named.rest.starts_with('[')) return named;
  const auto close = named.rest.find(']');
  if (close == std::string_view::npos) return std::nullopt;
  named.extras = named.rest.substr(0, close + 1);
  named.rest = strip(named.rest.substr(close + 1));
  return named;
}

bool is_url(std::string_view text) {
  return text.find("://") != std::string_view::npos || text.starts_with("file:");
}

// What follows a path or URL: a marker or options of the line. The semicolon needs a space beside
// it in a URL, which may contain one.
struct Location {
  std::string_view text;
  std::string suffix;
};
Location split_suffix(std::string_view text) {
  const auto options = text.find(" --");
  const auto marker = is_url(text) ? std::min(text.find(" ;"), text.find("; ")) : text.find(';');
  const auto end = std::min({text.size(), options, marker});
  const std::string_view suffix = strip(text.substr(end));
  return {.text = strip(text.substr(0, end)),
          .suffix = suffix.empty() ? std::string() : fmt::format(" {}", suffix)};
}

// Removes the extras from the end of `text` and returns them.
std::string_view take_extras(std::string_view& text) {
  if (!text.ends_with(']')) return {};
  const auto open = text.rfind('[');
  if (open == std::string_view::npos) return {};
  const std::string_view extras = text.substr(open);
  text = text.substr(0, open);
  return extras;
}

// "host:path", as git and ssh write it, isn't a path.
bool is_path(std::string_view text) {
  if (text == "." || text == ".." || is_package_file(text)) return true;
  const auto slash = text.find('/');
  return slash != std::string_view::npos &&
         text.substr(0, slash).find(':') == std::string_view::npos;
}

// "#sha256=…" is checked by rtenv; "#egg=NAME" has no use beside a name; the installer gets the
// rest, such as "#subdirectory=…" and other digests.
void take_fragment(std::string_view text, RequirementLine& line) {
  while (!text.empty()) {
    text.remove_prefix(1);  // '#' or '&'
    const auto end = std::min(text.find('&'), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(end);
    constexpr std::string_view k_pin = "sha256=";
    if (part.starts_with(k_pin))
      line.sha256 = lower_ascii(part.substr(k_pin.size()));
    else if (!part.starts_with("egg="))
      line.fragment += fmt::format("{}{}", line.fragment.empty() ? '#' : '&', part);
  }
}

std::optional<RequirementLine> parse_location(std::string_view line) {
  RequirementLine result;
  std::string_view extras;
  const auto named = split_name(line);
  if (named && named->rest.starts_with('@')) {
    result.name = named->name;
    extras = named->extras;
    line = strip(named->rest.substr(1));
  }
  Location location = split_suffix(line);
  if (result.name.empty()) extras = take_extras(location.text);
  result.extras = extras;
  result.suffix = std::move(location.suffix);
  if (is_store_uri(location.text)) {
    result.kind = Kind::remote;
    result.text = location.text;
    return result;
  }
  result.kind = Kind::local;
  if (location.text.starts_with("file:")) {
    auto path = path_of_file_url(location.text);
    if (!path) return std::nullopt;
    result.text = std::move(*path);
    const auto hash = std::min(location.text.find('#'), location.text.size());
    take_fragment(location.text.substr(hash), result);
    return result;
  }
  if (is_url(location.text) || !is_path(location.text)) return std::nullopt;
  result.text = location.text;
  return result;
}

bool is_requirement(std::string_view text) {
  if (is_url(text)) return true;
  const auto named = split_name(text);
  if (!named) return false;
  const std::string_view rest = named->rest;
  // A name alone, a URL, a marker, or options of the line.
  if (rest.empty() || rest.starts_with("--")) return true;
  if (rest.find_first_of("@;(") == 0) return rest.size() > 1;
  const auto version = std::min(rest.find_first_not_of("<>=!~"), rest.size());
  return version > 0 && version < rest.size() && !strip(rest.substr(version)).empty();
}

}  // namespace

RequirementLine parse_requirement_line(std::string_view raw) {
  const std::string_view line = without_comment(raw);
  if (line.empty()) return {};
  if (line.starts_with('-')) return parse_option(line);
  if (auto found = parse_location(line)) return std::move(*found);
  return of_kind(Kind::requirement, std::string(line));
}

Result<void> check_requirement(const RequirementLine& line) {
  if (line.kind != Kind::requirement || is_requirement(line.text)) return {};
  return fail(Errc::invalid_argument, "'{}' isn't a requirement", without_credentials(line.text))
      .hint("write NAME, NAME==VERSION, NAME @ URL, or a path such as ./NAME.whl");
}

bool is_package_file(std::string_view file_name) noexcept {
  constexpr std::array<std::string_view, 13> k_extensions{
      ".whl", ".zip", ".tar",    ".tar.gz", ".tgz",      ".tar.bz2", ".tbz",
      ".txz", ".tlz", ".tar.xz", ".tar.lz", ".tar.lzma", ".tar.zst"};
  return std::ranges::any_of(
      k_extensions, [&](std::string_view extension) { return file_name.ends_with(extension); });
}

std::string with_plain_file_urls(std::string line) {
  constexpr std::string_view k_scheme = "file:";
  const std::string lower = lower_ascii(line);
  // From the end, as the text behind a URL moves.
  for (auto at = lower.rfind(k_scheme); at != std::string::npos;
       at = at == 0 ? std::string::npos : lower.rfind(k_scheme, at - 1)) {
    if (at > 0 && is_alphanumeric(lower[at - 1])) continue;
    line.replace(at, k_scheme.size(), k_scheme);
    const auto slashes = at + k_scheme.size();
    const auto end = std::min(line.find_first_not_of('/', slashes), line.size());
    constexpr std::size_t k_usual = 3;
    if (end - slashes > k_usual) line.erase(slashes, end - slashes - k_usual);
  }
  return line;
}

std::vector<std::string> logical_lines(std::string_view content) {
  std::vector<std::string> lines;
  std::string pending;
  for (const std::string_view line : lines_of(content)) {
    const bool is_comment = strip(line).starts_with('#');
    if (line.ends_with('\\') && !is_comment) {
      pending += line.substr(0, line.size() - 1);
    } else {
      lines.push_back(std::exchange(pending, {}) + std::string(line));
    }
  }
  if (!pending.empty()) lines.push_back(std::move(pending));
  return lines;
}

std::optional<std::string_view> wheel_project_name(std::string_view file_name) {
  if (!file_name.ends_with(".whl") || std::ranges::count(file_name, '-') < 4) return std::nullopt;
  return file_name.substr(0, file_name.find('-'));
}

}  // namespace rtenv::runtime_env
