// Which parts of a directory or commit belong to its package, and how they are read.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/cancellation.hpp"
#include "base/environment.hpp"
#include "pkg/file_stamp.hpp"
#include "pkg/ignore_pattern.hpp"
#include "pkg/package_name.hpp"

namespace rtenv::pkg {

enum class Links : std::uint8_t {
  follow,  // a link is packed as what it points to (scheme ray)
  keep,    // a link that stays inside the tree is packed as a link; other links are followed
};

struct ScanOptions {
  std::vector<std::string> default_excludes;  // weaker than `excludes`
  std::vector<std::string> excludes;          // one source of rules: the last matching rule decides
  std::vector<std::string> includes;          // what matches isn't excluded, whatever the rules say
  bool use_gitignore = true;                  // and, in the semantics git, all else that git knows
  IgnoreSemantics semantics = IgnoreSemantics::ray;
  Links links = Links::keep;
  bool record_excluded = false;  // also record in Tree::excluded what the rules left out
  /// Without: no size, mode and stamp of the files, which saves a system call for each.
  bool reads_status = true;
  /// The file that the package is written to isn't part of it.
  std::optional<FileIdentity> output;
  Environment git_environment;  // of the git program, which is asked about repositories
  std::chrono::nanoseconds settle_time = FileStamper::k_settle_time;
  unsigned threads = 1;
  const Cancellation* cancellation = nullptr;
};

/// The patterns that Ray puts before every `excludes` list: .git, .venv, venv and __pycache__, or
/// the comma-separated value of RAY_OVERRIDE_RUNTIME_ENV_DEFAULT_EXCLUDES. In rtenv's own schemes
/// also the packages in the root, where `pack` writes them: otherwise each package would contain
/// the previous one.
std::vector<std::string> default_excludes(const Environment& environment, Scheme scheme);

/// The pattern that excludes exactly this path, relative to the root.
std::string exclude_pattern(std::string_view path);

/// The options for a user's `excludes` in this environment: with the default excludes; .gitignore
/// files are ignored if RAY_RUNTIME_ENV_IGNORE_GITIGNORE is 1.
ScanOptions scan_options(const Environment& environment, Scheme scheme,
                         const std::vector<std::string>& excludes);

}  // namespace rtenv::pkg
