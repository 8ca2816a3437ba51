// The options that select a directory's files and the scheme of the package's name; the same for
// `pack`, `hash` and `push`, so that they agree on the name.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command_line.hpp"
#include "cli/input_kind.hpp"
#include "cli/tool.hpp"
#include "pkg/package.hpp"

namespace rtenv::cli {

struct Selection {
  std::string directory = ".";
  std::optional<std::string> scheme;  // nullopt: xxh3
  std::vector<std::string> excludes;
  std::vector<std::string> exclude_files;  // with patterns that come before `excludes`
  std::vector<std::string> includes;
  bool no_gitignore = false;
  std::string ignore_rules = "ray";
  std::string git_revision;  // empty: the directory as it is
  unsigned threads = 0;      // 0: one per processor

  LimitedOptions limited;

  /// `positional`: the name of the directory in the help. Returns its option.
  Option declare(const Command& command, const char* positional = "DIR",
                 const char* description = "The directory");
  /// The kind of the source. Fails: invalid_argument (an option that doesn't apply to it), as
  /// path_kind.
  [[nodiscard]] Result<InputKind> check_source() const;
  /// The same for commands that take directories alone; what isn't one is their own error.
  [[nodiscard]] Result<void> check_directory() const;
  /// Fails: invalid_argument (an unknown scheme or semantics), not_found (a file of patterns).
  [[nodiscard]] Result<pkg::PackageOptions> package_options(const Tool& tool) const;
};

/// --compress, of commands that write a package.
Option declare_compression(const Command& command, std::string& compression);

/// Logs the scan's warnings, and the entries that can't be packed (sockets, links that lead
/// nowhere), unless `explained`: then the explanation lists them.
void warn_of_left_out(const pkg::Tree& tree, bool explained);

/// Logs for --verbose what was found, what rules left out, and how long it took.
void log_stats(const pkg::PackageStats& stats, const pkg::Tree& tree, unsigned threads);

}  // namespace rtenv::cli
