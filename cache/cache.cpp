#include "cache/cache.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/fault_point.hpp"
#include "base/file_system.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "cache/cache_state.hpp"
#include "cache/shared_contents.hpp"
#include "cache/tree_digest.hpp"

namespace rtenv::cache {
namespace {

Failure fail_no_tier() {
  return fail(Errc::invalid_argument, "there is no remote tier")
      .hint("set RTENV_REMOTE_CACHE=s3://BUCKET/PREFIX");
}

}  // namespace

Lease::Lease(std::shared_ptr<CacheState> state, LeasedEntry leased, Kind kind, std::string key,
             Path path)
    : state_(std::move(state)),
      leased_(leased),
      kind_(kind),
      key_(std::move(key)),
      path_(std::move(path)) {}

Lease::Lease(Lease&& other) noexcept = default;

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    release();
    state_ = std::move(other.state_);
    leased_ = other.leased_;
    kind_ = other.kind_;
    key_ = std::move(other.key_);
    path_ = std::move(other.path_);
  }
  return *this;
}

Lease::~Lease() { release(); }

void Lease::release() noexcept {
  if (!state_) return;
  // Not fatal: the row goes with its holder.
  if (const auto released = state_->ledger().release(leased_); !released)
    log::debug("lease on {} not released: {}", key_, released.error().message());
  enforce_limits(state_, true);
  state_.reset();
}

int Lease::lock_fd() const noexcept { return state_->lock_fd(); }

Result<Cache> Cache::open(const Path& root, CacheOptions options) {
  const Path absolute = std::filesystem::absolute(root).lexically_normal();
  RTENV_TRY(make_directories(absolute));
  RTENV_TRY(const auto network, network_file_system(absolute));
  if (network && !options.allow_network_file_system)
    return fail(Errc::invalid_argument,
                "the cache {} is on {}, where its ledger and its locks aren't safe",
                absolute.native(), *network)
        .hint(
            "RTENV_CACHE_DIR on a disk of this machine; RTENV_CACHE_ON_NETWORK=1 where no other "
            "machine uses this folder");
  RTENV_TRY(const bool read_only, is_read_only_file_system(absolute));
  if (read_only)
    return fail(Errc::permission_denied, "the cache {} is on a read-only file system",
                absolute.native())
        .hint("RTENV_CACHE_DIR on a disk that can be written to");
  for (const char* folder : {"tmp", "locks"}) RTENV_TRY(make_directories(absolute / folder));
  for (const KindInfo& kind : k_kinds) RTENV_TRY(make_directories(absolute / kind.folder));
  RTENV_TRY(Ledger ledger, Ledger::open(absolute / "ledger.db"));
  Cache cache(std::make_shared<CacheState>(absolute, std::move(ledger), std::move(options)));
  RTENV_TRY(cache.sweep());
  RTENV_TRY(cache.resume_sending());
  return cache;
}

const Path& Cache::root() const { return state_->root(); }

Path Cache::path_of(Kind kind, std::string_view key) const { return state_->path_of(kind, key); }

Result<void> Cache::sweep() {
  // The folders first, then who lives: a folder made after the list was read isn't in it, and one
  // in it was made by a holder whose row was there before.
  std::vector<Path> temporary;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(state_->tmp(), error))
    temporary.push_back(entry.path());
  RTENV_TRY(const auto alive, sweep_holders(state_->locks(), state_->ledger()));
  for (const Path& path : temporary)
    if (std::ranges::find(alive, path.filename().native()) == alive.end())
      RTENV_TRY(remove_tree(path));
  RTENV_TRY(const auto rows, state_->ledger().unready_entries());
  for (const EntryRow& row : rows) RTENV_TRY(sweep_half_made(row));
  return {};
}

Result<void> Cache::sweep_half_made(const EntryRow& row) {
  RTENV_TRY(const auto lock, LockFile::try_acquire(state_->build_lock(row.kind, row.key)));
  if (!lock) return {};  // still being made
  // Made ready since the rows were read: then it is nobody's to remove.
  RTENV_TRY(const auto now, state_->ledger().find(row.kind, row.key));
  if (!now || now->ready) return {};
  log::debug("removing the half-made {} {}", info(row.kind).name, row.key);
  RTENV_TRY(remove_tree(path_of(row.kind, row.key)));
  return state_->ledger().forget_unready(row.kind, row.key);
}

Result<std::optional<Lease>> Cache::find(Kind kind, std::string_view key) {
  RTENV_TRY(const Holder* holder, state_->holder());
  RTENV_TRY(const auto leased, state_->ledger().lease(kind, key, holder->id()));
  if (!leased) return std::optional<Lease>();
  Lease lease(state_, *leased, kind, std::string(key), path_of(kind, key));
  RTENV_TRY(fault_point("find.leased"));
  struct stat status {};
  if (::stat(lease.path().c_str(), &status) != 0)
    return std::optional<Lease>();  // removed behind our back
  return std::optional(std::move(lease));
}

Result<Lease> Cache::get_or_make(Kind kind, std::string_view key, const Maker& make,
                                 const MakeOptions& options) {
  RTENV_TRY(auto found, find(kind, key));
  if (found) return std::move(*found);
  if (options.use_remote_tier && state_->tier() != nullptr)
    return pull_or_make(kind, key, make, options);
  return make_once(kind, key, make, options);
}

Result<Lease> Cache::make_once(Kind kind, std::string_view key, const Maker& make,
                               const MakeOptions& options) {
  RTENV_TRY(const LockFile lock,
            LockFile::acquire(state_->build_lock(kind, key), options.cancellation,
                              options.quiet_wait, options.on_wait));
  RTENV_TRY(auto made_meanwhile, find(kind, key));
  if (made_meanwhile) return std::move(*made_meanwhile);
  return info(kind).in_place ? make_in_place(kind, key, make, lock.fd().get())
                             : make_staged(kind, key, make, lock.fd().get());
}

Result<Lease> Cache::pull_or_make(Kind kind, std::string_view key, const Maker& make,
                                  const MakeOptions& options) {
  bool pulled = false;
  bool made = false;
  const Maker pull_first = [&](const MakeContext& context) -> Result<void> {
    RTENV_TRY(const TempDir scratch, make_temp_dir());
    RTENV_TRY(pulled, state_->tier()->pull(
                          {.kind = kind, .key = std::string(key)}, scratch.path(), context.target,
                          {.final_path = path_of(kind, key), .relocate = options.relocate},
                          options.cancellation));
    if (pulled) return {};
    made = true;
    return make(context);
  };
  RTENV_TRY(Lease lease, make_once(kind, key, pull_first, options));
  if (pulled) RTENV_TRY(state_->ledger().count_pull(kind));
  if (made) RTENV_TRY(send(lease, options.cancellation));
  return lease;
}

// A tier that doesn't take it is no reason to fail.
Result<void> Cache::send(const Lease& lease, const Cancellation* cancellation) {
  RemoteTier& tier = *state_->tier();
  if (tier.mode() == TierMode::read) return {};
  if (tier.mode() == TierMode::write_back) {
    RTENV_TRY(state_->ledger().note_unsent({lease.kind(), lease.key()}));
    state_->wake_sender();
    return {};
  }
  const auto sent = tier.push({lease.kind(), lease.key()}, lease.path(), cancellation);
  if (!sent && sent.error().code() == Errc::cancelled) return Failure(sent.error());
  if (!sent)
    log::debug("{} {} isn't sent: {}", info(lease.kind()).name, lease.key(),
               sent.error().message());
  return {};
}

// What an earlier process left.
Result<void> Cache::resume_sending() {
  if (!sends_later()) return {};
  RTENV_TRY(const auto unsent, state_->ledger().unsent());
  if (!unsent.empty()) state_->wake_sender();
  return {};
}

bool Cache::sends_later() const {
  return state_->tier() != nullptr && state_->tier()->mode() == TierMode::write_back;
}

Result<void> Cache::flush(const Cancellation* cancellation) {
  if (state_->tier() == nullptr) return fail_no_tier();
  return send_unsent(*state_, true, cancellation);
}

Result<RemoteTier::Expired> Cache::remove_expired(bool dry_run, const Cancellation* cancellation) {
  if (state_->tier() == nullptr) return fail_no_tier();
  return state_->tier()->remove_expired(dry_run, cancellation);
}

Result<Lease> Cache::make_staged(Kind kind, std::string_view key, const Maker& make, int lock_fd) {
  RTENV_TRY(const TempDir staging, make_temp_dir());
  const MakeContext context{.target = staging.path() / "content", .lock_fd = lock_fd};
  RTENV_TRY(make(context));
  RTENV_TRY(fault_point("make.staged"));
  MadeEntry made;
  if (info(kind).digest_when_made) {
    RTENV_TRY(const auto digest,
              tree_digest(context.target, info(kind).user_writable_folder, default_threads()));
    made.digest = digest.digits;
    if (info(kind).read_only) {
      RTENV_TRY(made.contents,
                share_contents(*state_, context.target, digest.items, staging.path() / "link"));
    }
  }
  if (info(kind).read_only) RTENV_TRY(make_read_only(context.target));
  RTENV_TRY(sync_file_system(context.target));
  RTENV_TRY(fault_point("make.synced"));
  const Path final_path = path_of(kind, key);
  RTENV_TRY(take_away(final_path));  // put there by other hands
  // From here until it is ready, whoever finds the row without its lock knows that the maker died.
  RTENV_TRY(state_->ledger().begin_making(kind, key));
  RTENV_TRY(fault_point("make.begun"));
  auto moved = rename_path(context.target, final_path);
  if (moved) moved = fault_point("make.renamed");
  if (!moved) return give_up(kind, key, std::move(moved).error());
  return publish(kind, key, std::move(made));
}

Result<Lease> Cache::make_in_place(Kind kind, std::string_view key, const Maker& make,
                                   int lock_fd) {
  const MakeContext context{.target = path_of(kind, key), .lock_fd = lock_fd};
  RTENV_TRY(state_->ledger().begin_making(kind, key));
  RTENV_TRY(fault_point("make.begun"));
  auto made = remove_tree(context.target);
  if (made) made = make(context);
  if (made) made = fault_point("make.staged");
  if (made) made = sync_file_system(context.target);
  if (made) made = fault_point("make.synced");
  if (!made) return give_up(kind, key, std::move(made).error());
  return publish(kind, key, {});
}

// What can't be removed now is swept at the next opening: the row says that it isn't ready.
Failure Cache::give_up(Kind kind, std::string_view key, Error error) {
  if (const auto removed = remove_tree(path_of(kind, key)); !removed)
    log::warn("{}", removed.error().message());
  else if (const auto forgotten = state_->ledger().forget_unready(kind, key); !forgotten)
    log::debug("{}", forgotten.error().message());
  return Failure(std::move(error));
}

Result<Lease> Cache::publish(Kind kind, std::string_view key, MadeEntry made) {
  auto enter = [&]() -> Result<LeasedEntry> {
    RTENV_TRY(made.size_bytes, disk_usage_bytes(path_of(kind, key)));
    RTENV_TRY(fault_point("publish.measured"));
    RTENV_TRY(const Holder* holder, state_->holder());
    return state_->ledger().publish(kind, key, made, holder->id());
  };
  auto leased = enter();
  if (!leased) return give_up(kind, key, std::move(leased).error());
  Lease lease(state_, *leased, kind, std::string(key), path_of(kind, key));
  RTENV_TRY(fault_point("publish.committed"));
  enforce_limits(state_, false);
  return lease;
}

Result<std::optional<FetchRecord>> Cache::find_fetch_record(std::string_view digest) {
  return state_->ledger().find_fetch_record(digest);
}

Result<void> Cache::remember_fetch(std::string_view digest, const FetchRecord& source) {
  return state_->ledger().remember_fetch(digest, source);
}

Result<LockFile> Cache::lock(std::string_view name, const MakeOptions& options) {
  return LockFile::acquire(state_->locks() / name, options.cancellation, options.quiet_wait,
                           options.on_wait);
}

Result<std::vector<EntryRow>> Cache::entries() { return state_->ledger().entries(); }

// Out of sight by a rename, so that nobody ever sees half an entry; removed by the caller's
// temporary folder.
Result<void> Cache::take_away(const Path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return {};
  RTENV_TRY(const TempDir trash, make_temp_dir());
  return rename_path(path, trash.path() / "content");
}

Result<bool> Cache::pin(Kind kind, std::string_view key, const Pin& pin) {
  if (pin.name.empty()) return fail(Errc::invalid_argument, "a pin wants a name");
  RTENV_TRY(const bool pinned, state_->ledger().pin(kind, key, pin));
  struct stat status {};
  if (!pinned || ::lstat(path_of(kind, key).c_str(), &status) == 0) return pinned;
  // A row whose path went with a process that was killed while it removed both.
  RTENV_TRY(state_->ledger().unpin(kind, key, pin.name));
  return false;
}

Result<bool> Cache::unpin(Kind kind, std::string_view key, std::string_view name) {
  RTENV_TRY(const bool unpinned, state_->ledger().unpin(kind, key, name));
  if (unpinned) enforce_limits(state_, true);
  return unpinned;
}

Result<std::map<Kind, KindUsage>> Cache::usage() { return state_->ledger().usage(); }

Result<std::uint64_t> Cache::shared_bytes() { return state_->ledger().shared_bytes(); }

Result<bool> Cache::remove(Kind kind, std::string_view key) {
  RTENV_TRY(const TempDir trash, make_temp_dir());
  return remove_entry(*state_, kind, key, Ledger::Removal::asked_for, trash.path() / "content");
}

Result<TempDir> Cache::make_temp_dir() { return state_->make_temp_dir(); }

}  // namespace rtenv::cache
