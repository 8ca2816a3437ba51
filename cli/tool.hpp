// State shared by all commands: the global options, the environment variables, and the cache
// settings derived from both. Created by main and passed down; there is no other global state.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancellation.hpp"
#include "base/environment.hpp"
#include "base/log.hpp"
#include "cli/output.hpp"

namespace rtenv::cache {
class Cache;
struct CacheOptions;
struct Limits;
struct RemoteTierOptions;
}  // namespace rtenv::cache

namespace rtenv::cli {

struct Tool {
  Environment environment;
  const Cancellation* cancellation = nullptr;

  Output output;
  bool quiet = false;
  bool verbose = false;
  bool no_progress = false;
  std::string cache_dir;  // --cache-dir; empty: RTENV_CACHE_DIR, else the user's cache folder

  mutable std::shared_ptr<cache::Cache> opened_cache;  // set by open_cache

  /// Sends messages to standard error, as `quiet` and `verbose` say.
  void configure_log() const;
  /// The cache's folder. Fails: invalid_argument (HOME isn't set).
  [[nodiscard]] Result<Path> cache_root() const;
  /// With cache_limits() and without the remote tier. Fails: invalid_argument; as Cache::open.
  [[nodiscard]] Result<cache::Cache> open_cache() const;
  [[nodiscard]] Result<cache::Cache> open_cache_to_make_room() const;
  [[nodiscard]] Result<cache::Cache> open_cache(cache::CacheOptions options) const;
  /// With the remote tier, if one is configured: for commands that build environments.
  [[nodiscard]] Result<cache::Cache> open_cache_with_tier() const;
  /// From RTENV_REMOTE_CACHE and RTENV_REMOTE_CACHE_*. Fails: invalid_argument.
  [[nodiscard]] Result<std::optional<cache::RemoteTierOptions>> remote_tier() const;
  /// The limits that the cache enforces by itself: RTENV_CACHE_MAX_SIZE, RTENV_CACHE_MIN_FREE.
  /// Fails: invalid_argument.
  [[nodiscard]] Result<cache::Limits> cache_limits() const;
  /// The folder with the digests of unchanged files; nullopt if cache_root() fails.
  [[nodiscard]] std::optional<Path> digest_cache() const;

  /// Evicts entries beyond the limits of the cache that the command opened. Called when the command
  /// has released its leases: their destructors don't evict. Logs an error; it isn't the command's.
  void enforce_cache_limits() const;
};

}  // namespace rtenv::cli
