// The options that select a directory's files and the scheme of the package's name; the same for
// `pack`, `hash` and `push`, so that they agree on the name.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command_line.hpp"
#include "cli/input_kind.hpp"
#include "cli/tool.hpp"
#include "rtenv/package.hpp"

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
  /// Sets what the options say, without a list of the entries. Fails: not_found (a file of
  /// patterns).
  [[nodiscard]] Result<void> set(PackOptions& options, const Tool& tool) const;
};

/// --compress, of commands that write a package.
class CompressionOption {
 public:
  Option declare(const Command& command);
  [[nodiscard]] Compression value() const;

 private:
  std::string name_ = "auto";
};

/// Logs the scan's warnings, and the entries that can't be packed (sockets, links that lead
/// nowhere), unless `explained`: then the explanation lists them.
void warn_of_left_out(const Package& package, bool explained);

/// Logs for --verbose what was found, what rules left out, and how long it took.
void log_stats(const Package& package);

}  // namespace rtenv::cli
