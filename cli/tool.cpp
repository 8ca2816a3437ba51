#include "cli/tool.hpp"

#include "cache/cache.hpp"
#include "cli/byte_size.hpp"
#include "cli/duration.hpp"
#include "envbuild/env_archive.hpp"

namespace rtenv::cli {
namespace {

constexpr std::string_view k_default_max_size = "20GiB";

}  // namespace

void Tool::configure_log() const {
  log::set_sink(verbose ? log::Level::debug : log::Level::info,
                quiet && !verbose ? log::Sink() : log::to_standard_error());
}

Result<Path> Tool::cache_root() const {
  if (!cache_dir.empty()) return Path(cache_dir);
  if (const auto configured = environment.find_filled("RTENV_CACHE_DIR")) return Path(*configured);
  if (const auto user_cache = environment.find_filled("XDG_CACHE_HOME"))
    return Path(*user_cache) / "rtenv";
  if (const auto home = environment.find_filled("HOME")) return Path(*home) / ".cache" / "rtenv";
  return fail(Errc::invalid_argument, "cannot choose a folder for the cache: HOME isn't set")
      .hint("set RTENV_CACHE_DIR");
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
  options.allow_network_file_system = environment.find_filled("RTENV_CACHE_ON_NETWORK") == "1";
  if (const auto readable = environment.find_filled("RTENV_CACHE_READABLE")) {
    if (readable != "0" && readable != "1")
      return fail(Errc::invalid_argument, "RTENV_CACHE_READABLE: '{}' is neither 0 nor 1",
                  *readable);
    options.readable_by_others = readable == "1";
  }
  RTENV_TRY(auto cache, cache::Cache::open(root, std::move(options)));
  opened_cache = std::make_shared<cache::Cache>(cache);
  return cache;
}

Result<std::optional<cache::RemoteTierOptions>> Tool::remote_tier() const {
  const auto text = environment.find_filled("RTENV_REMOTE_CACHE");
  if (!text) return std::optional<cache::RemoteTierOptions>();
  cache::RemoteTierOptions options{.store = {.environment = environment}};
  const auto within = [](Error error, const char* variable) {
    return Failure(std::move(error).within(variable));
  };
  auto prefix = remote::Uri::parse(*text);
  if (!prefix) return within(std::move(prefix).error(), "RTENV_REMOTE_CACHE");
  if (auto checked = cache::check_holds_archives(*prefix); !checked)
    return within(std::move(checked).error(), "RTENV_REMOTE_CACHE");
  options.prefix = std::move(*prefix);
  const auto mode = environment.find_filled("RTENV_REMOTE_CACHE_MODE").value_or("read");
  const auto known = cache::parse_tier_mode(mode);
  if (!known)
    return fail(Errc::invalid_argument, "unknown RTENV_REMOTE_CACHE_MODE '{}'", mode)
        .hint("one of: read, write-through, write-back");
  options.mode = *known;
  const auto span = [&](const char* variable) -> Result<std::optional<std::chrono::seconds>> {
    const auto value = environment.find_filled(variable);
    if (!value) return std::optional<std::chrono::seconds>();
    auto parsed = parse_duration(*value);
    if (!parsed) return within(std::move(parsed).error(), variable);
    return std::optional(*parsed);
  };
  RTENV_TRY(options.max_age, span("RTENV_REMOTE_CACHE_MAX_AGE"));
  RTENV_TRY(const auto timeout, span("RTENV_REMOTE_CACHE_TIMEOUT"));
  if (timeout) options.timeout = *timeout;
  options.filters = envbuild::archive_filters();
  return std::optional(std::move(options));
}

Result<cache::Limits> Tool::cache_limits() const {
  const auto size = [&](const char* variable, std::string_view otherwise) -> Result<std::uint64_t> {
    auto bytes = parse_byte_size(environment.find_filled(variable).value_or(otherwise));
    if (!bytes) return Failure(std::move(bytes).error().within(variable));
    return bytes;
  };
  cache::Limits limits;
  RTENV_TRY(limits.max_bytes, size("RTENV_CACHE_MAX_SIZE", k_default_max_size));
  RTENV_TRY(limits.min_free_bytes, size("RTENV_CACHE_MIN_FREE", "0"));
  if (limits.min_free_bytes == 0U) limits.min_free_bytes.reset();
  return limits;
}

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
