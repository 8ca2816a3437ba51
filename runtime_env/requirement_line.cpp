#include "runtime_env/requirement_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/encoding.hpp"
#include "base/lines.hpp"
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
      if (separated)
        return {.kind = option.kind, .text = unquoted(rest.substr(1)), .extras = {}, .suffix = {}};
    } else if (line.starts_with(option.short_form) && !line.starts_with("--")) {
      return {.kind = option.kind, .text = unquoted(line.substr(2)), .extras = {}, .suffix = {}};
    }
  }
  return {.kind = Kind::option, .text = std::string(line), .extras = {}, .suffix = {}};
}

// Stores that installers can't read: not http and https, nor file:.
bool is_store_uri(std::string_view text) {
  constexpr std::array<std::string_view, 5> k_stores{"s3://", "gs://", "azure://", "abfss://",
                                                     "gcs://"};
  return std::ranges::any_of(k_stores,
                             [&](std::string_view store) { return text.starts_with(store); });
}

bool has_archive_extension(std::string_view path) {
  constexpr std::array<std::string_view, 5> k_extensions{".whl", ".tar.gz", ".zip", ".tar.bz2",
                                                         ".tgz"};
  return std::ranges::any_of(k_extensions,
                             [&](std::string_view extension) { return path.ends_with(extension); });
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

// The path or URL ends before a marker (" ;" or "; ") or an option of the line (" --hash").
std::size_t end_of_location(std::string_view text) {
  return std::min({text.size(), text.find(" ;"), text.find("; "), text.find(" --")});
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

std::optional<RequirementLine> parse_location(std::string_view line) {
  const auto end = end_of_location(line);
  std::string_view location = strip(line.substr(0, end));
  const std::string suffix(end == line.size() ? std::string_view() : line.substr(end));
  std::string extras;
  // PEP 508: "name[extras] @ location"
  if (const auto at = location.find(" @ "); at != std::string_view::npos) {
    std::string_view name = strip(location.substr(0, at));
    extras = take_extras(name);
    location = strip(location.substr(at + 3));
  } else {
    extras = take_extras(location);
  }
  if (is_store_uri(location))
    return RequirementLine{
        .kind = Kind::remote, .text = std::string(location), .extras = extras, .suffix = suffix};
  if (location.starts_with("file:")) {
    auto path = path_of_file_url(location);
    if (!path) return std::nullopt;
    // A pinned file is handled as a remote one, because fetching checks the pin.
    if (const auto pin = location.find("#sha256="); pin != std::string_view::npos)
      return RequirementLine{.kind = Kind::remote,
                             .text = fmt::format("file://{}{}", *path, location.substr(pin)),
                             .extras = extras,
                             .suffix = suffix};
    return RequirementLine{
        .kind = Kind::local, .text = std::move(*path), .extras = extras, .suffix = suffix};
  }
  const bool is_url = location.find("://") != std::string_view::npos;
  const bool path_like = location.starts_with('/') || location.starts_with("./") ||
                         location.starts_with("../") || location == "." || location == ".." ||
                         has_archive_extension(location);
  if (is_url || !path_like) return std::nullopt;
  return RequirementLine{
      .kind = Kind::local, .text = std::string(location), .extras = extras, .suffix = suffix};
}

}  // namespace

RequirementLine parse_requirement_line(std::string_view raw) {
  const std::string_view line = without_comment(raw);
  if (line.empty()) return {};
  if (line.starts_with('-')) return parse_option(line);
  if (auto found = parse_location(line)) return std::move(*found);
  return {.kind = Kind::requirement, .text = std::string(line), .extras = {}, .suffix = {}};
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
