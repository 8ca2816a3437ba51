#include "cache/cache.hpp"

#include <sys/stat.h>

#include "base/absolute_path.hpp"
#include "base/fault_point.hpp"
#include "base/file.hpp"
#include "base/file_system.hpp"
#include "cache/cache_folder.hpp"
#include "cache/cache_state.hpp"
#include "cache/collector.hpp"
#include "cache/entry_builder.hpp"
#include "cache/survey.hpp"
#include "cache/sweeper.hpp"
#include "cache/trash.hpp"
#include "cache/verifier.hpp"

namespace rtenv::cache {
namespace {

Failure fail_no_tier() {
  return fail(Errc::invalid_argument, "there is no remote cache")
      .hint("set RTENV_REMOTE_CACHE=s3://BUCKET/PREFIX, or CacheOptions::remote");
}

Result<void> check_file_system(const Path& root, bool allow_network_file_system) {
  RTENV_TRY(const auto network, network_file_system(root));
  if (network && !allow_network_file_system)
    return fail(Errc::invalid_argument,
                "the cache {} is on {}, where its ledger and its locks aren't safe", root.native(),
                *network)
        .hint(
            "set RTENV_CACHE_DIR to a local disk, or RTENV_CACHE_ON_NETWORK=1 if no other machine "
            "uses this folder");
  RTENV_TRY(const bool read_only, is_read_only_file_system(root));
  if (read_only)
    return fail(Errc::permission_denied, "the cache {} is on a read-only file system",
                root.native())
        .hint("set RTENV_CACHE_DIR to a folder on a writable disk");
  return {};
}

Result<Ledger> try_to_open_ledger(const Path& root, bool makes_room) {
  const Path file = root / "ledger.db";
  const DiskSpace space = disk_space(root);
  if (!makes_room && space == DiskSpace::none)
    return fail(Errc::out_of_space, "no space left on the disk of the cache {}", root.native());
  if (space == DiskSpace::enough) return Ledger::open(file);
  put_reserved_log(root);
  return Ledger::open(file, makes_room ? Database::open_on_full_disk : Database::open_keeping_log);
}

Result<Ledger> open_ledger(const Path& root, bool makes_room) {
  auto ledger = try_to_open_ledger(root, makes_room);
  if (!ledger && makes_room && ledger.error().code() == Errc::out_of_space) {
    use_reserve(root);
    ledger = try_to_open_ledger(root, makes_room);
  }
  if (!ledger && ledger.error().code() == Errc::corrupt)
    return Failure(std::move(ledger).error().with_hint(fmt::format(
        "remove the folder {}: its content is fetched and built again", root.native())));
  return ledger;
}

}  // namespace

Result<Cache> Cache::open(const Path& root, CacheOptions options) {
  const Path absolute = absolute_path(root);
  const auto readers = options.readable_by_others
                           ? (*options.readable_by_others ? Readers::everybody : Readers::owner)
                           : remembered_readers(absolute);
  RTENV_TRY(prepare_cache_folder(absolute, readers));
  RTENV_TRY(check_file_system(absolute, options.allow_network_file_system));
  RTENV_TRY(fault_point("open.prepared"));
  RTENV_TRY(Ledger ledger, open_ledger(absolute, options.makes_room));
  if (!options.makes_room) keep_reserve(absolute);
  auto state = CacheState::create(absolute, std::move(ledger), std::move(options));
  RTENV_TRY(fault_point("open.ledger"));
  RTENV_TRY(Sweeper(*state).remove_crash_leftovers());
  if (state->has_tier_mode(TierMode::write_back)) {
    // Entries that an earlier process didn't push.
    RTENV_TRY(const auto unsent, state->ledger().unsent());
    if (!unsent.empty()) state->wake_sender();
  }
  return Cache(std::move(state));
}

const Path& Cache::root() const { return state_->root(); }

Path Cache::path_of(Kind kind, KeyView key) const { return state_->path_of(kind, key); }

Result<std::optional<Lease>> Cache::find(Kind kind, KeyView key) {
  return find_lease(state_, kind, key);
}

Result<Lease> Cache::get_or_build(Kind kind, KeyView key, const Builder& builder,
                                  const BuildOptions& options) {
  RTENV_TRY(auto found, find(kind, key));
  if (found) return std::move(*found);
  return EntryBuilder(state_, {kind, key.owned()}, builder, options).build();
}

Result<std::optional<Lease>> Cache::lease_unused(Kind kind, std::string_view key_prefix) {
  RTENV_TRY(const Holder* holder, state_->holder());
  RTENV_TRY(auto found, state_->ledger().lease_unused(kind, key_prefix, holder->id()));
  if (!found) {
    // Of holders that have died since the cache was opened.
    RTENV_TRY(sweep_holders(state_->locks(), state_->ledger()));
    RTENV_TRY(found, state_->ledger().lease_unused(kind, key_prefix, holder->id()));
  }
  if (!found) return std::optional<Lease>();
  const Path path = path_of(kind, found->key);
  Lease lease(state_, found->leased, {kind, std::move(found->key)}, path);
  RTENV_TRY(fault_point("find.leased"));
  return std::optional(std::move(lease));
}

Result<bool> Cache::has_unused(Kind kind, std::string_view key_prefix) {
  return state_->ledger().has_unused(kind, key_prefix);
}

const Limits& Cache::limits() const noexcept { return state_->limits(); }

Result<bool> Cache::has_room(Kind kind, std::uint64_t bytes) {
  const Limits& limits = state_->limits();
  if (limits.max_bytes) {
    RTENV_TRY(const std::uint64_t used, state_->ledger().size_bytes());
    if (used + bytes > *limits.max_bytes) return false;
  }
  if (const auto of_kind = limits.max_bytes_of_kind.find(kind);
      of_kind != limits.max_bytes_of_kind.end()) {
    RTENV_TRY(const auto used, usage());
    const auto row = used.find(kind);
    if ((row == used.end() ? 0 : row->second.size_bytes) + bytes > of_kind->second) return false;
  }
  RTENV_TRY(const std::uint64_t free_bytes, free_space_bytes(root()));
  return free_bytes >= bytes + limits.min_free_bytes.value_or(0);
}

Result<std::vector<EntryRow>> Cache::entries() { return state_->ledger().entries(); }

Result<std::vector<EntryRow>> Cache::ready_entries(Kind kind, std::string_view key_prefix) {
  RTENV_TRY(auto rows, state_->ledger().ready_entries(kind, key_prefix));
  std::erase_if(rows, [&](const EntryRow& row) {
    struct stat status {};
    return ::lstat(path_of(kind, row.key).c_str(), &status) != 0;
  });
  return rows;
}

Result<std::map<Kind, KindUsage>> Cache::usage() { return state_->ledger().usage(); }

Result<std::uint64_t> Cache::size_bytes() { return state_->ledger().size_bytes(); }

Result<DiskUsage> Cache::measure(const Cancellation* cancellation) {
  RTENV_TRY(const Inventory inventory, survey(*state_, cancellation));
  return disk_usage(inventory, SpaceLeft(inventory));
}

Result<LockFile> Cache::use_uv_folder(const WaitOptions& options) {
  state_->note_uv_use();
  return LockFile::acquire(state_->locks() / k_uv_folder_lock, options, LockMode::shared);
}

Result<bool> Cache::remove(Kind kind, KeyView key, const Cancellation* cancellation) {
  Trash trash(*state_);
  RTENV_TRY(const Path away, trash.new_path());
  auto removed = state_->remove_entry(kind, key, Ledger::Removal::requested, away);
  RTENV_TRY(trash.empty(cancellation));
  return removed;
}

Result<bool> Cache::pin(Kind kind, KeyView key, const Pin& pin) {
  if (pin.name.empty()) return fail(Errc::invalid_argument, "a pin needs a name");
  RTENV_TRY(const bool pinned, state_->ledger().pin(kind, key, pin));
  struct stat status {};
  if (!pinned || ::lstat(path_of(kind, key).c_str(), &status) == 0) return pinned;
  // The row remained when a process was killed between moving the entry away and the commit.
  RTENV_TRY(state_->ledger().unpin(kind, key, pin.name));
  return false;
}

Result<bool> Cache::unpin(Kind kind, KeyView key, std::string_view name) {
  RTENV_TRY(const bool unpinned, state_->ledger().unpin(kind, key, name));
  if (unpinned) state_->note_release();
  return unpinned;
}

Result<bool> Cache::unpin_all(std::string_view name) {
  RTENV_TRY(const bool unpinned, state_->ledger().unpin_all(name));
  if (unpinned) state_->note_release();
  return unpinned;
}

Result<std::vector<std::string>> Cache::pin_names(std::string_view prefix) {
  return state_->ledger().pin_names(prefix);
}

Result<CollectReport> Cache::collect(const Limits& limits, bool dry_run,
                                     const Cancellation* cancellation) {
  return Collector(*state_).collect(limits, dry_run, cancellation);
}

void Cache::enforce_limits(const Cancellation* cancellation) {
  if (state_->take_release()) Collector(*state_).enforce_limits(cancellation);
  if (state_->makes_room()) restore_reserve(root());
}

Result<VerifyReport> Cache::verify(unsigned threads, const Cancellation* cancellation) {
  return Verifier(state_, threads, cancellation).run();
}

Result<std::optional<FetchRecord>> Cache::find_fetch_record(std::string_view digest) {
  return state_->ledger().find_fetch_record(digest);
}

Result<void> Cache::remember_fetch(std::string_view digest, const FetchRecord& record) {
  return state_->ledger().remember_fetch(digest, record);
}

Result<LockFile> Cache::lock(std::string_view name, const WaitOptions& options) {
  return LockFile::acquire(state_->locks() / name, options);
}

Result<std::optional<LockFile>> Cache::try_lock(std::string_view name) {
  return LockFile::try_acquire(state_->locks() / name);
}

bool Cache::sends_later() const { return state_->has_tier_mode(TierMode::write_back); }

Result<void> Cache::flush(const Cancellation* cancellation) {
  if (state_->tier() == nullptr) return fail_no_tier();
  return send_unsent(*state_, OtherSender::wait_for, cancellation);
}

Result<ExpiredArchives> Cache::remove_expired(bool dry_run, const Cancellation* cancellation) {
  if (state_->tier() == nullptr) return fail_no_tier();
  return state_->tier()->remove_expired(dry_run, cancellation);
}

Result<TempDir> Cache::make_temp_dir(const Cancellation* cancellation) {
  return state_->make_temp_dir(cancellation);
}

}  // namespace rtenv::cache
