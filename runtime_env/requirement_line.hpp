// Parses one line of a requirements list as far as rtenv needs it: which local files and objects in
// stores it names. Everything else is passed to the installer as written. The format is pip's
// (pip.pypa.io, "Requirements File Format") and PEP 508.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace rtenv::runtime_env {

struct RequirementLine {
  enum class Kind {
    empty,        // blank, or a comment
    include,      // -r FILE
    constraint,   // -c FILE
    find_links,   // -f DIR-OR-URL
    editable,     // -e PATH
    option,       // any other option, as written
    local,        // a local file or folder
    remote,       // an object in a store that installers can't read
    requirement,  // a name with specifiers, or a URL: as written
  };
  Kind kind = Kind::empty;
  /// The path if `local`, the URI if `remote`, the argument if `include`, `constraint`,
  /// `find_links` or `editable`, otherwise the line without its comment.
  std::string text;
  // The others are of `local` and `remote`, and may be empty.
  std::string name;      // the project's, before an "@"
  std::string extras;    // "[a,b]"
  std::string suffix;    // " ; python_version > '3'", " --hash=…"
  std::string sha256;    // of `local`: the digest that a file's URL demands, lower-case
  std::string fragment;  // of `local`: "#subdirectory=…"
};

/// A path is: what has a slash and isn't a URL, "." and "..", a "file:" URL, and anything with the
/// extension of a wheel or source archive. A name and an "@" before it, with or without spaces, are
/// the project's name. Requires: one logical line, with its variables expanded.
RequirementLine parse_requirement_line(std::string_view line);

/// Checks that a line of the kind `requirement` can be one: a name as in PEP 508 and what may
/// follow it, or a URL. Versions and markers are left to the installer. Fails: invalid_argument.
Result<void> check_requirement(const RequirementLine& line);

/// The line with "file:///" for "FILE://///" and the like, which mean the same.
std::string with_plain_file_urls(std::string line);

/// Splits a file's content into logical lines: a backslash at the end joins a line with the next.
std::vector<std::string> logical_lines(std::string_view content);

/// Whether a file's name has the extension of a wheel or a source archive.
bool is_package_file(std::string_view file_name) noexcept;

/// The project name in a wheel's file name ("flash_attn-2.0-cp311-…whl" → "flash_attn"); nullopt if
/// it isn't a wheel's.
std::optional<std::string_view> wheel_project_name(std::string_view file_name);

}  // namespace rtenv::runtime_env
