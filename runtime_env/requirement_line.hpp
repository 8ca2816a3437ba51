// Parses one line of a requirements list as far as rtenv needs it: which local files and objects in
// stores it names. Everything else is passed to the installer as written. The format is pip's
// (pip.pypa.io, "Requirements File Format") and PEP 508.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
  std::string extras;  // of `local` and `remote`: "[a,b]", or empty
  std::string suffix;  // of `local` and `remote`: " ; python_version > '3'", " --hash=…", or empty
};

/// A path is: an absolute path, one that begins with "./" or "../", a "file:" URL, what follows
/// "NAME @ ", and anything with the extension of a wheel or source archive.
/// Requires: one logical line, with its variables expanded.
RequirementLine parse_requirement_line(std::string_view line);

/// Splits a file's content into logical lines: a backslash at the end joins a line with the next.
std::vector<std::string> logical_lines(std::string_view content);

/// The project name in a wheel's file name ("flash_attn-2.0-cp311-…whl" → "flash_attn"); nullopt if
/// it isn't a wheel's.
std::optional<std::string_view> wheel_project_name(std::string_view file_name);

}  // namespace rtenv::runtime_env
