// Finds uv: RTENV_UV, else uv in PATH, else a pinned version, which is downloaded once from the
// package index, checked against a built-in digest, and cached.
#pragma once

#include <chrono>

#include "base/environment.hpp"
#include "envbuild/installer.hpp"
#include "envbuild/leased_path.hpp"

namespace rtenv::envbuild {

/// How a required version is installed.
struct UvInstall {
  const Environment& machine;  // without a job's variables: it says which uv is run
  std::optional<std::chrono::steady_clock::time_point> deadline;
  const Cancellation* cancellation = nullptr;
  /// Unless `use`, a range of versions is resolved again.
  InstallerCache cache_use = InstallerCache::use;
};

/// `version_specifier`: the version that the runtime_env requires ("==0.13.8"); the uv found as
/// above installs it into the cache. Of a range, the version that was installed last is used.
/// Fails: not_found (RTENV_UV names no program; no build for this platform; UV_OFFLINE is set),
/// unavailable (the index), corrupt (another digest), installer_failed (the required version),
/// cancelled.
Result<LeasedPath> find_uv(const Environment& environment, cache::Cache& cache,
                           const std::optional<std::string>& version_specifier, const Path& python,
                           const UvInstall& install);

/// Hides configuration files in the parents of a folder in which uv will run: uv uses the first
/// that it finds, an empty one in the folder. Those of the user and the system still apply. Fails:
/// as open(2).
Result<void> hide_uv_configuration(const Path& folder);

/// The version that is downloaded if no other uv is found.
std::string_view pinned_uv_version() noexcept;

/// Sets uv's cache, unless the environment does, to a folder in rtenv's: on the same file system,
/// uv can link files instead of copying them. While uv runs, the lock must be held. Fails: as
/// Cache::use_uv_folder.
Result<std::optional<LockFile>> share_uv_cache(Environment& environment, cache::Cache& cache,
                                               const UvInstall& install);

}  // namespace rtenv::envbuild
