// The cache that the environment variables of a process describe.
#pragma once

#include <optional>

#include "base/environment.hpp"
#include "cache/cache.hpp"

namespace rtenv::envbuild {

/// RTENV_CACHE_DIR, else the folder rtenv in XDG_CACHE_HOME or ~/.cache. Fails: invalid_argument
/// (HOME isn't set).
Result<Path> cache_root(const Environment& environment);

/// RTENV_CACHE_MAX_SIZE, 20 GiB if it isn't set, and RTENV_CACHE_MIN_FREE. Fails: invalid_argument.
Result<cache::Limits> cache_limits(const Environment& environment);

/// RTENV_REMOTE_CACHE and RTENV_REMOTE_CACHE_…; nullopt if the former isn't set. Fails:
/// invalid_argument.
Result<std::optional<cache::RemoteTierOptions>> remote_tier(const Environment& environment);

/// The tier with this prefix, and with the other variables' settings. `shown`: where the prefix
/// comes from, for the error. Fails: invalid_argument.
Result<cache::RemoteTierOptions> remote_tier_at(std::string_view prefix, std::string_view shown,
                                                const Environment& environment);

/// Adds what RTENV_CACHE_ON_NETWORK and RTENV_CACHE_READABLE say. Fails: invalid_argument.
Result<cache::CacheOptions> with_folder_settings(cache::CacheOptions options,
                                                 const Environment& environment);

}  // namespace rtenv::envbuild
