#include "rtenv/cache.hpp"

#include "api/call.hpp"
#include "api/duration.hpp"
#include "api/internals.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "envbuild/cache_settings.hpp"

namespace rtenv {
namespace {

using api::Call;
using api::in_call;

static_assert(static_cast<cache::Kind>(EntryKind::read_only_tree) == cache::Kind::read_only_tree);
static_assert(static_cast<cache::TierMode>(RemoteCache::Mode::write_back) ==
              cache::TierMode::write_back);

Result<cache::Kind> kind_of(EntryKind kind) {
  if (kind > EntryKind::read_only_tree)
    return fail(Errc::invalid_argument, "there is no kind {} of cache entries",
                static_cast<int>(kind));
  return static_cast<cache::Kind>(kind);
}

Result<cache::EntryName> entry_name(EntryKind kind, std::string_view key) {
  RTENV_TRY(const auto known, kind_of(kind));
  RTENV_TRY(auto parsed, cache::Key::parse(std::string(key)));
  return cache::EntryName{.kind = known, .key = std::move(parsed)};
}

Result<cache::Limits> limits_of(const CacheLimits& limits) {
  cache::Limits result;
  result.max_bytes = limits.max_bytes;
  RTENV_TRY(result.max_age, api::checked_span(limits.max_age, "max_age"));
  result.min_free_bytes = limits.min_free_bytes;
  result.target_free_bytes = limits.target_free_bytes;
  if (limits.target_free_bytes && limits.target_free_bytes < limits.min_free_bytes)
    return fail(Errc::invalid_argument, "target_free_bytes, {}, is less than min_free_bytes, {}",
                *limits.target_free_bytes, *limits.min_free_bytes);
  for (const auto& [kind, bytes] : limits.max_bytes_of_kind) {
    RTENV_TRY(const auto known, kind_of(kind));
    result.max_bytes_of_kind[known] = bytes;
  }
  return result;
}

Result<cache::CacheOptions> options_of(const CacheOptions& options) {
  RTENV_TRY(api::check_environment(options.environment));
  const Environment environment = api::environment_of(options.environment);
  cache::CacheOptions result;
  if (options.limits) {
    RTENV_TRY(result.limits, limits_of(*options.limits));
  } else {
    RTENV_TRY(result.limits, envbuild::cache_limits(environment));
  }
  if (options.no_remote && options.remote)
    return fail(Errc::invalid_argument, "remote and no_remote exclude each other");
  if (options.remote) {
    if (options.remote->mode > RemoteCache::Mode::write_back)
      return fail(Errc::invalid_argument, "remote.mode has an unknown value");
    RTENV_TRY(result.remote_tier,
              envbuild::remote_tier_at(options.remote->uri, "remote.uri", environment));
    result.remote_tier->mode = static_cast<cache::TierMode>(options.remote->mode);
    RTENV_TRY(const auto max_age, api::checked_span(options.remote->max_age, "remote.max_age"));
    if (max_age) result.remote_tier->max_age = *max_age;
  } else if (!options.no_remote) {
    RTENV_TRY(result.remote_tier, envbuild::remote_tier(environment));
  }
  if (result.remote_tier)
    result.remote_tier->store.credentials = api::guarded_credentials(options.credentials);
  RTENV_TRY(result, envbuild::with_folder_settings(std::move(result), environment));
  if (options.readable_by_others) result.readable_by_others = options.readable_by_others;
  if (options.allow_network_file_system)
    result.allow_network_file_system = *options.allow_network_file_system;
  result.makes_room = options.makes_room;
  return result;
}

CacheEntry entry_of(const cache::EntryRow& row, const cache::Cache& cache) {
  CacheEntry entry{.kind = static_cast<EntryKind>(row.kind),
                   .key = row.key.text(),
                   .path = cache.path_of(row.kind, row.key),
                   .is_ready = row.ready,
                   .size_bytes = row.size_bytes,
                   .created_ms = row.created_ms,
                   .last_used_ms = row.last_used_ms,
                   .hits = row.hits,
                   .holder_pids = row.holder_pids};
  for (const cache::Pin& pin : row.pins) entry.pins.push_back({pin.name, pin.expires_ms});
  return entry;
}

std::vector<CacheEntry> entries_of(const std::vector<cache::EntryRow>& rows,
                                   const cache::Cache& cache) {
  std::vector<CacheEntry> entries;
  entries.reserve(rows.size());
  for (const cache::EntryRow& row : rows) entries.push_back(entry_of(row, cache));
  return entries;
}

}  // namespace

Result<Path> Cache::default_root(const Options& options) {
  return in_call(options, [](Call& call) -> Result<Path> {
    RTENV_TRY(const Path root, envbuild::cache_root(call.environment()));
    return call.resolve(root);
  });
}

Result<Cache> Cache::open(const Path& root, const CacheOptions& options) {
  return in_call(options.stop, [&](Call& call) -> Result<Cache> {
    RTENV_TRY(check_not_cancelled(call.cancellation(), "opening", root.native()));
    if (root.empty()) return fail(Errc::invalid_argument, "the cache's folder isn't given");
    RTENV_TRY(auto internal, options_of(options));
    RTENV_TRY(auto cache, cache::Cache::open(root, std::move(internal)));
    return Internals::cache(std::move(cache));
  });
}

std::string_view name(EntryKind kind) noexcept {
  return kind > EntryKind::read_only_tree ? "" : cache::info(static_cast<cache::Kind>(kind)).name;
}

std::optional<EntryKind> entry_kind(std::string_view name) noexcept {
  const auto kind = cache::parse_kind(name);
  return kind ? std::optional(static_cast<EntryKind>(*kind)) : std::nullopt;
}

CacheLimits Cache::limits() const {
  const cache::Limits& limits = state_->cache.limits();
  CacheLimits result{.max_bytes = limits.max_bytes,
                     .min_free_bytes = limits.min_free_bytes,
                     .target_free_bytes = limits.target_free_bytes,
                     .max_age = limits.max_age};
  for (const auto& [kind, bytes] : limits.max_bytes_of_kind)
    result.max_bytes_of_kind[static_cast<EntryKind>(kind)] = bytes;
  return result;
}

Path Cache::root() const { return state_->cache.root(); }
Path Cache::digest_folder() const { return cache::Cache::digests_folder(root()); }

Result<std::vector<CacheEntry>> Cache::entries() const {
  return api::guarded([&]() -> Result<std::vector<CacheEntry>> {
    RTENV_TRY(const auto rows, state_->cache.entries());
    return entries_of(rows, state_->cache);
  });
}

Result<std::optional<Lease>> Cache::find(EntryKind kind, std::string_view key) {
  return api::guarded([&]() -> Result<std::optional<Lease>> {
    RTENV_TRY(const auto name, entry_name(kind, key));
    RTENV_TRY(auto lease, state_->cache.find(name.kind, name.key));
    if (!lease) return std::optional<Lease>();
    return std::optional(Internals::lease(std::move(*lease)));
  });
}

Result<GcReport> Cache::gc(const CacheLimits& limits, bool dry_run, Stop stop) {
  return in_call(std::move(stop), [&](Call& call) -> Result<GcReport> {
    RTENV_TRY(const auto internal, limits_of(limits));
    RTENV_TRY(const auto report, state_->cache.collect(internal, dry_run, call.cancellation()));
    GcReport result{.removed_parts = report.removed_parts,
                    .freed_parts_bytes = report.freed_parts_bytes,
                    .freed_bytes = report.freed_bytes,
                    .kept_bytes = report.kept_bytes,
                    .held_bytes = report.held_bytes};
    for (const cache::Eviction& eviction : report.removed)
      result.removed.push_back({.entry = entry_of(eviction.entry, state_->cache),
                                .reason = std::string(cache::name(eviction.reason))});
    return result;
  });
}

Result<RemoteGcReport> Cache::gc_remote(bool dry_run, Stop stop) {
  return in_call(std::move(stop), [&](Call& call) -> Result<RemoteGcReport> {
    RTENV_TRY(const auto expired, state_->cache.remove_expired(dry_run, call.cancellation()));
    return RemoteGcReport{.removed = expired.removed,
                          .freed_bytes = expired.removed_bytes,
                          .kept = expired.kept,
                          .kept_bytes = expired.kept_bytes};
  });
}

void Cache::enforce_limits(Stop stop) {
  const auto enforced = in_call(std::move(stop), [&](Call& call) -> Result<void> {
    state_->cache.enforce_limits(call.cancellation());
    return {};
  });
  if (!enforced) log::warn("{}", enforced.error().message());
}

Result<bool> Cache::remove(EntryKind kind, std::string_view key, Stop stop) {
  return in_call(std::move(stop), [&](Call& call) -> Result<bool> {
    RTENV_TRY(const auto name, entry_name(kind, key));
    return state_->cache.remove(name.kind, name.key, call.cancellation());
  });
}

Result<bool> Cache::pin(EntryKind kind, std::string_view key, std::string_view name,
                        std::optional<std::chrono::seconds> lifetime) {
  return api::guarded([&]() -> Result<bool> {
    RTENV_TRY(const auto entry, entry_name(kind, key));
    cache::Pin pin{.name = std::string(name), .expires_ms = std::nullopt};
    RTENV_TRY(const auto span, api::checked_span(lifetime, "lifetime"));
    if (span) pin.expires_ms = unix_ms() + std::chrono::milliseconds(*span).count();
    return state_->cache.pin(entry.kind, entry.key, pin);
  });
}

Result<bool> Cache::unpin(EntryKind kind, std::string_view key, std::string_view name) {
  return api::guarded([&]() -> Result<bool> {
    RTENV_TRY(const auto entry, entry_name(kind, key));
    return state_->cache.unpin(entry.kind, entry.key, name);
  });
}

Result<void> Cache::flush(Stop stop) {
  return in_call(std::move(stop),
                 [&](Call& call) { return state_->cache.flush(call.cancellation()); });
}

Result<VerifyReport> Cache::verify(Stop stop) {
  return in_call(std::move(stop), [&](Call& call) -> Result<VerifyReport> {
    RTENV_TRY(const auto report, state_->cache.verify(call.threads(), call.cancellation()));
    return VerifyReport{.intact = report.checked,
                        .recorded = report.recorded,
                        .quarantined = entries_of(report.quarantined, state_->cache),
                        .damaged_in_use = entries_of(report.damaged_in_use, state_->cache),
                        .missing = entries_of(report.missing, state_->cache)};
  });
}

Result<std::map<EntryKind, KindUsage>> Cache::usage() const {
  return api::guarded([&]() -> Result<std::map<EntryKind, KindUsage>> {
    RTENV_TRY(const auto usage, state_->cache.usage());
    std::map<EntryKind, KindUsage> result;
    for (const auto& [kind, of_kind] : usage)
      result[static_cast<EntryKind>(kind)] = {.entries = of_kind.entries,
                                              .size_bytes = of_kind.size_bytes,
                                              .hits = of_kind.hits,
                                              .misses = of_kind.misses,
                                              .pulls = of_kind.pulls,
                                              .evictions = of_kind.evictions,
                                              .saved_bytes = of_kind.saved_bytes};
    return result;
  });
}

Result<std::uint64_t> Cache::size_bytes() const {
  return api::guarded([&] { return state_->cache.size_bytes(); });
}

Result<DiskUsage> Cache::measure(Stop stop) {
  return in_call(std::move(stop), [&](Call& call) -> Result<DiskUsage> {
    RTENV_TRY(const auto disk, state_->cache.measure(call.cancellation()));
    return DiskUsage{.entry_bytes = disk.entry_bytes,
                     .uv_bytes = disk.uv_bytes,
                     .quarantine_bytes = disk.quarantine_bytes,
                     .other_bytes = disk.other_bytes};
  });
}

Lease::Lease(std::unique_ptr<State> state) : state_(std::move(state)) {}
Lease::Lease(Lease&& other) noexcept = default;
Lease& Lease::operator=(Lease&& other) noexcept = default;
Lease::~Lease() = default;

const Path& Lease::path() const noexcept {
  static const Path none;
  return state_ ? state_->path : none;
}

std::string_view Lease::key() const noexcept {
  return state_ ? std::string_view(state_->lease.key().text()) : "";
}

EntryKind Lease::kind() const noexcept {
  return state_ ? static_cast<EntryKind>(state_->lease.kind()) : EntryKind::tree;
}

void Lease::release() noexcept { state_.reset(); }

}  // namespace rtenv
