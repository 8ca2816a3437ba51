// The options that say what of a directory is packed and how it is named; the same for `pack` and
// `hash`, so that both agree on the name.
#pragma once

#include <string>
#include <vector>

#include "cli/tool.hpp"
#include "pkg/package.hpp"

namespace rtenv::cli {

struct Selection {
  std::string directory = ".";
  std::string scheme = "xxh3";
  std::vector<std::string> excludes;
  bool no_gitignore = false;
  std::string ignore_rules = "ray";
  std::string git_revision;  // empty: the directory as it is
  unsigned threads = 0;      // 0: one a processor

  /// `positional`: what the directory is called in the help.
  void declare(CLI::App& command, const char* positional = "DIR",
               const char* description = "The directory");
  /// Fails: invalid_argument (an unknown scheme or semantics).
  [[nodiscard]] Result<pkg::PackageOptions> package_options(const Tool& tool) const;
};

/// Says on standard error what a scan left out although no rule did (sockets, links to nothing),
/// and its warnings.
void warn_of_left_out(const pkg::Tree& tree, bool rules_recorded);

}  // namespace rtenv::cli
