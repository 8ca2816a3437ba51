// One line of a requirements list, taken apart as far as rtenv needs: which local files and objects
// of stores it names. Everything else stays as written for the installer. The format is pip's
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
    option,       // another option, as written
    local,        // a file or folder, with `extras` and `suffix`
    remote,       // an object of a store, which installers can't read: its URI, with `extras` and
                  // `suffix`
    requirement,  // a name with specifiers, or a URL: as written
  };
  Kind kind = Kind::empty;
  std::string text;  // the line without comment; for include, constraint, find_links, editable: the
                     // argument; for local: the path; for remote: the URI
  std::string extras;  // of a path or URI: "[a,b]" or empty
  std::string suffix;  // of a path or URI: what follows it: " ; python_version > '3'", " --hash=…"
};

/// Requires: one logical line, expanded. Path-like: absolute, beginning with "./" or "../", "file:"
/// URLs, "NAME @ path", and anything that ends like a wheel or source archive.
RequirementLine parse_requirement_line(std::string_view line);

/// Splits a file's content into logical lines: a backslash at the end joins a line with the next.
std::vector<std::string> logical_lines(std::string_view content);

/// The project name in a wheel's file name ("flash_attn-2.0-cp311-…whl" → "flash_attn"); nothing
/// where it isn't one.
std::optional<std::string_view> wheel_project_name(std::string_view file_name);

}  // namespace rtenv::runtime_env
