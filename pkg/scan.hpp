// Walks a directory and says what belongs to its package: in parallel, a folder a task.
// pkg/folder_rules.hpp says which rules leave something out.
#pragma once

#include <string>
#include <vector>

#include "base/cancellation.hpp"
#include "base/environment.hpp"
#include "pkg/file_stamp.hpp"
#include "pkg/ignore_pattern.hpp"
#include "pkg/package_name.hpp"
#include "pkg/tree.hpp"

namespace rtenv::pkg {

enum class Links : std::uint8_t {
  follow,  // a link is what it points to (scheme ray)
  keep,    // a link that stays inside the tree is packed as a link; others are followed
};

struct ScanOptions {
  std::vector<std::string> excludes;  // one source of rules: the last that matches decides
  bool use_gitignore = true;
  IgnoreSemantics semantics = IgnoreSemantics::ray;
  Links links = Links::keep;
  bool record_excluded = false;  // fill Tree::excluded with what the rules left out, too
  bool measure =
      true;  // false: leave Entry::measured to whoever reads the files; spares a call for each
  const FileStamper* stamper = nullptr;  // give the files stamps
  unsigned threads = 1;
  const Cancellation* cancellation = nullptr;
};

/// The patterns that Ray puts before every `excludes` list: .git, .venv, venv and __pycache__, or
/// the comma-separated value of RAY_OVERRIDE_RUNTIME_ENV_DEFAULT_EXCLUDES. In rtenv's own schemes
/// also packages in the root, where `pack` leaves them: else each would be in the next.
std::vector<std::string> default_excludes(const Environment& environment, Scheme scheme);

/// The options that a user's `excludes` make together with the machine's environment: the default
/// excludes first, and .gitignore files left aside where RAY_RUNTIME_ENV_IGNORE_GITIGNORE is 1.
ScanOptions scan_options(const Environment& environment, Scheme scheme,
                         const std::vector<std::string>& excludes);

/// Sockets, devices and dangling links are never opened; they are in Tree::excluded (Links::keep)
/// or entries that count by name alone (Links::follow). Requires: `measure` where there is a
/// stamper. Fails: not_found, permission_denied (the root, or a folder below), invalid_argument
/// (the root isn't a directory, a link that leads back to a parent), cancelled.
Result<Tree> scan(const Path& root, const ScanOptions& options);

}  // namespace rtenv::pkg
