#include "cli/tool.hpp"

#include "api/internals.hpp"
#include "base/wait_scope.hpp"
#include "cache/cache.hpp"
#include "envbuild/cache_settings.hpp"

namespace rtenv::cli {

void Tool::configure_log() const {
  log::set_sink(verbose ? log::Level::debug : log::Level::info,
                quiet && !verbose ? log::Sink() : log::to_standard_error());
}

Result<Path> Tool::cache_root() const {
  return cache_dir.empty() ? envbuild::cache_root(environment) : Path(cache_dir);
}

Result<Cache> Tool::open_cache(CacheOptions options) const {
  RTENV_TRY(const Path root, cache_root());
  if (!options.environment) options.environment = environment.values();
  options.stop = stop;
  RTENV_TRY(auto cache, Cache::open(root, options));
  opened_cache = cache;
  return cache;
}

Result<Cache> Tool::open_cache_to_make_room() const {
  return open_cache({.no_remote = true, .makes_room = true});
}

Result<cache::Cache> Tool::open_layer_cache(CacheOptions options) const {
  RTENV_TRY(const Cache cache, open_cache(std::move(options)));
  return Internals::of(cache);
}

void Tool::enforce_cache_limits() const {
  if (!opened_cache) return;
  // An interruption of the command isn't one of the eviction that follows it.
  if (cancellation != nullptr && cancellation->requested()) {
    const WaitScope scope(WaitScope::k_clean_up);
    opened_cache->enforce_limits();
  } else {
    opened_cache->enforce_limits(stop);
  }
}

std::optional<Path> Tool::digest_cache() const {
  const auto root = cache_root();
  if (!root) return std::nullopt;
  return cache::Cache::digests_folder(*root);
}

}  // namespace rtenv::cli
