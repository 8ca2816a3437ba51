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
#include "rtenv/cache.hpp"

namespace rtenv::cache {
class Cache;
}

namespace rtenv::cli {

struct Tool {
  Environment environment;
  Stop stop;                                   // for the functions of include/rtenv
  const Cancellation* cancellation = nullptr;  // the same for those of the layers

  Output output;
  bool quiet = false;
  bool verbose = false;
  bool no_progress = false;
  std::string cache_dir;  // --cache-dir; empty: RTENV_CACHE_DIR, else the user's cache folder

  mutable std::optional<Cache> opened_cache;  // set by open_cache

  /// The options that all functions of include/rtenv take.
  template <class PublicOptions = rtenv::Options>
  [[nodiscard]] PublicOptions options(OnProgress on_progress = {}) const {
    PublicOptions result;
    result.environment = environment.values();
    result.stop = stop;
    result.on_progress = std::move(on_progress);
    return result;
  }
  /// Sends messages to standard error, as `quiet` and `verbose` say.
  void configure_log() const;
  /// The cache's folder. Fails: invalid_argument (HOME isn't set).
  [[nodiscard]] Result<Path> cache_root() const;
  /// Without the remote tier, unless the options say otherwise; its settings are those of the
  /// tool's variables, unless the options have others. Fails: invalid_argument; as Cache::open.
  [[nodiscard]] Result<Cache> open_cache(CacheOptions options = {.no_remote = true}) const;
  [[nodiscard]] Result<Cache> open_cache_to_make_room() const;
  /// The same cache for the functions of the layers.
  [[nodiscard]] Result<cache::Cache> open_layer_cache(CacheOptions options = {
                                                          .no_remote = true}) const;
  /// The folder with the digests of unchanged files; nullopt if cache_root() fails.
  [[nodiscard]] std::optional<Path> digest_cache() const;

  /// Evicts entries beyond the limits of the cache that the command opened. Called when the command
  /// has released its leases: their destructors don't evict. Logs an error; it isn't the command's.
  void enforce_cache_limits() const;
};

}  // namespace rtenv::cli
