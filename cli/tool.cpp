#include "cli/tool.hpp"

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

Result<cache::Cache> Tool::open_cache() const {
  RTENV_TRY(auto limits, cache_limits());
  return open_cache({.limits = std::move(limits)});
}

Result<cache::Cache> Tool::open_cache_to_make_room() const {
  RTENV_TRY(auto limits, cache_limits());
  return open_cache({.limits = std::move(limits), .makes_room = true});
}

Result<cache::Cache> Tool::open_cache_with_tier() const {
  cache::CacheOptions options;
  RTENV_TRY(options.limits, cache_limits());
  RTENV_TRY(options.remote_tier, remote_tier());
  return open_cache(std::move(options));
}

Result<cache::Cache> Tool::open_cache(cache::CacheOptions options) const {
  RTENV_TRY(const Path root, cache_root());
  RTENV_TRY(options, envbuild::with_folder_settings(std::move(options), environment));
  RTENV_TRY(auto cache, cache::Cache::open(root, std::move(options)));
  opened_cache = std::make_shared<cache::Cache>(cache);
  return cache;
}

Result<std::optional<cache::RemoteTierOptions>> Tool::remote_tier() const {
  return envbuild::remote_tier(environment);
}

Result<cache::Limits> Tool::cache_limits() const { return envbuild::cache_limits(environment); }

void Tool::enforce_cache_limits() const {
  if (!opened_cache) return;
  // An interruption of the command isn't one of the eviction that follows it.
  const bool interrupted_before = cancellation != nullptr && cancellation->requested();
  opened_cache->enforce_limits(interrupted_before ? nullptr : cancellation);
}

std::optional<Path> Tool::digest_cache() const {
  const auto root = cache_root();
  if (!root) return std::nullopt;
  return cache::Cache::digests_folder(*root);
}

}  // namespace rtenv::cli
