// Finds uv: RTENV_UV, else uv in PATH, else a pinned version, which is downloaded once from the
// package index, checked against a built-in digest, and cached.
#pragma once

#include "base/environment.hpp"
#include "envbuild/leased_path.hpp"

namespace rtenv::envbuild {

/// `version_specifier`: the version that the runtime_env requires ("==0.13.8"); the uv found as
/// above installs it into the cache. Fails: not_found (RTENV_UV names no program; no build for this
/// platform), unavailable (the index), corrupt (another digest), installer_failed (the required
/// version), cancelled.
Result<LeasedPath> find_uv(const Environment& environment, cache::Cache& cache,
                           const std::optional<std::string>& version_specifier, const Path& python,
                           const Cancellation* cancellation);

/// The version that is downloaded if no other uv is found.
std::string_view pinned_uv_version() noexcept;

/// Sets uv's cache, unless the environment does, to a folder in rtenv's: on the same file system,
/// uv can link files instead of copying them.
void share_uv_cache(Environment& environment, const cache::Cache& cache);

}  // namespace rtenv::envbuild
