#include "capi/cache.hpp"

#include <nlohmann/json.hpp>

#include "base/json_text.hpp"
#include "cache/kind.hpp"

using namespace rtenv;
using capi::check_given;
using capi::run;

namespace {

Result<EntryKind> kind_of(const char* name) {
  if (const auto kind = entry_kind(name)) return *kind;
  return fail(Errc::invalid_argument, "kind: there is no kind '{}' of cache entries", name)
      .hint("one of: tree, env, tool, file, copy, read-only-tree");
}

nlohmann::json json_of(const CacheEntry& entry) {
  nlohmann::json pins = nlohmann::json::array();
  for (const CachePin& pin : entry.pins)
    pins.push_back(
        {{"name", pin.name},
         {"expires_ms", pin.expires_ms ? nlohmann::json(*pin.expires_ms) : nlohmann::json()}});
  return {{"kind", name(entry.kind)},           {"key", entry.key},
          {"path", entry.path.native()},        {"is_ready", entry.is_ready},
          {"size_bytes", entry.size_bytes},     {"created_ms", entry.created_ms},
          {"last_used_ms", entry.last_used_ms}, {"hits", entry.hits},
          {"holder_pids", entry.holder_pids},   {"pins", std::move(pins)}};
}

std::optional<std::uint64_t> limit_of(std::uint64_t value) {
  return value == 0 ? std::nullopt : std::optional(value);
}

Result<CacheOptions> cache_options(const rtenv_cache_options* given) {
  RTENV_TRY(const rtenv_cache_options options, capi::read_struct(given, "options"));
  CacheOptions result;
  if (options.environment != nullptr) {
    RTENV_TRY(result.environment, capi::variables_of(options.environment, "options.environment"));
  }
  if (options.max_bytes != 0 || options.min_free_bytes != 0)
    result.limits = CacheLimits{.max_bytes = limit_of(options.max_bytes),
                                .min_free_bytes = limit_of(options.min_free_bytes)};
  if (options.remote_mode < 0 || options.remote_mode > RTENV_REMOTE_WRITE_BACK)
    return Error(Errc::invalid_argument, "options.remote_mode has an unknown value");
  if (options.remote_uri != nullptr)
    result.remote = RemoteCache{.uri = options.remote_uri,
                                .mode = static_cast<RemoteCache::Mode>(options.remote_mode)};
  else if (options.remote_mode != 0)
    return Error(Errc::invalid_argument, "options.remote_mode is given without a remote_uri");
  result.stop = capi::stop_of(options.stop);
  return result;
}

// Runs a function of the cache that takes one entry and returns whether there was one.
template <class Work>
rtenv_status with_entry(rtenv_cache* cache, const char* kind, const char* key, int32_t* done,
                        rtenv_error** error, Work work) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(check_given({{"cache", cache}, {"kind", kind}, {"key", key}}));
    RTENV_TRY(const EntryKind known, kind_of(kind));
    RTENV_TRY(const bool was_there, work(cache->cache, known, key));
    if (done != nullptr) *done = was_there ? 1 : 0;
    return {};
  });
}

}  // namespace

rtenv_status rtenv_cache_open(const char* root, const struct rtenv_cache_options* options,
                              rtenv_cache** cache, rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(check_given({{"cache", cache}}));
    RTENV_TRY(const CacheOptions read, cache_options(options));
    Path folder(capi::text_of(root));
    if (root == nullptr) {
      Options settings;
      settings.environment = read.environment;
      RTENV_TRY(folder, Cache::default_root(settings));
    }
    RTENV_TRY(Cache opened, Cache::open(folder, read));
    const Path opened_root = opened.root();
    const Path digests = opened.digest_folder();
    *cache = new rtenv_cache{std::move(opened), opened_root.native(), digests.native()};
    return {};
  });
}

void rtenv_cache_free(rtenv_cache* cache) { delete cache; }

const char* rtenv_cache_root(const rtenv_cache* cache) {
  return cache == nullptr ? nullptr : cache->root.c_str();
}

const char* rtenv_cache_digest_folder(const rtenv_cache* cache) {
  return cache == nullptr ? nullptr : cache->digest_folder.c_str();
}

rtenv_status rtenv_cache_entries(rtenv_cache* cache, char** json, rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(check_given({{"cache", cache}, {"json", json}}));
    RTENV_TRY(const auto entries, cache->cache.entries());
    nlohmann::json list = nlohmann::json::array();
    for (const CacheEntry& entry : entries) list.push_back(json_of(entry));
    capi::set_string(json, json_text(list));
    return {};
  });
}

rtenv_status rtenv_cache_find(rtenv_cache* cache, const char* kind, const char* key,
                              rtenv_lease** lease, rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(check_given({{"cache", cache}, {"kind", kind}, {"key", key}, {"lease", lease}}));
    RTENV_TRY(const EntryKind known, kind_of(kind));
    RTENV_TRY(auto found, cache->cache.find(known, key));
    if (!found) {
      *lease = nullptr;
      return {};
    }
    std::string path = found->path().native();
    *lease = new rtenv_lease{std::move(path), std::move(found)};
    return {};
  });
}

rtenv_status rtenv_cache_gc(rtenv_cache* cache, const struct rtenv_cache_limits* limits,
                            rtenv_stop* stop, uint64_t* freed_bytes, rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(check_given({{"cache", cache}}));
    RTENV_TRY(const rtenv_cache_limits read, capi::read_struct(limits, "limits"));
    CacheLimits chosen{.max_bytes = limit_of(read.max_bytes),
                       .min_free_bytes = limit_of(read.min_free_bytes)};
    if (read.max_age_s != 0) chosen.max_age = capi::seconds_of(read.max_age_s);
    RTENV_TRY(const GcReport report,
              cache->cache.gc(chosen, read.dry_run != 0, capi::stop_of(stop)));
    if (freed_bytes != nullptr) *freed_bytes = report.freed_bytes;
    return {};
  });
}

rtenv_status rtenv_cache_enforce_limits(rtenv_cache* cache, rtenv_stop* stop, rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(check_given({{"cache", cache}}));
    cache->cache.enforce_limits(capi::stop_of(stop));
    return {};
  });
}

rtenv_status rtenv_cache_remove(rtenv_cache* cache, const char* kind, const char* key,
                                int32_t* removed, rtenv_error** error) {
  return with_entry(cache, kind, key, removed, error,
                    [](Cache& in, EntryKind of, const char* name) { return in.remove(of, name); });
}

rtenv_status rtenv_cache_pin(rtenv_cache* cache, const char* kind, const char* key,
                             const char* name, uint64_t lifetime_s, int32_t* changed,
                             rtenv_error** error) {
  return with_entry(cache, kind, key, changed, error,
                    [&](Cache& in, EntryKind of, const char* entry) -> Result<bool> {
                      RTENV_TRY(check_given({{"name", name}}));
                      std::optional<std::chrono::seconds> lifetime;
                      if (lifetime_s != 0) lifetime = capi::seconds_of(lifetime_s);
                      return in.pin(of, entry, name, lifetime);
                    });
}

rtenv_status rtenv_cache_unpin(rtenv_cache* cache, const char* kind, const char* key,
                               const char* name, int32_t* changed, rtenv_error** error) {
  return with_entry(cache, kind, key, changed, error,
                    [&](Cache& in, EntryKind of, const char* entry) -> Result<bool> {
                      RTENV_TRY(check_given({{"name", name}}));
                      return in.unpin(of, entry, name);
                    });
}

rtenv_status rtenv_cache_flush(rtenv_cache* cache, rtenv_stop* stop, rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(check_given({{"cache", cache}}));
    return cache->cache.flush(capi::stop_of(stop));
  });
}

rtenv_status rtenv_cache_verify(rtenv_cache* cache, rtenv_stop* stop, uint64_t* damaged,
                                rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(check_given({{"cache", cache}}));
    RTENV_TRY(const VerifyReport report, cache->cache.verify(capi::stop_of(stop)));
    if (damaged != nullptr)
      *damaged = report.quarantined.size() + report.damaged_in_use.size() + report.missing.size();
    return {};
  });
}

const char* rtenv_lease_path(const rtenv_lease* lease) {
  return lease == nullptr ? nullptr : lease->path.c_str();
}

const char* rtenv_lease_key(const rtenv_lease* lease) {
  // It ends with a NUL: it is a view of a std::string.
  return lease == nullptr ? nullptr : lease->lease ? lease->lease->key().data() : "";
}

void rtenv_lease_free(rtenv_lease* lease) { delete lease; }
