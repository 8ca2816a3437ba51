#include "cache/entry_builder.hpp"

#include <sys/stat.h>

#include <chrono>
#include <thread>

#include "base/fault_point.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/processors.hpp"
#include "base/tree_usage.hpp"
#include "cache/collector.hpp"
#include "cache/trash.hpp"
#include "cache/tree_digest.hpp"

namespace rtenv::cache {
namespace {

constexpr std::chrono::milliseconds k_builder_pause{50};

}  // namespace

EntryBuilder::EntryBuilder(std::shared_ptr<CacheState> state, EntryName entry,
                           const Builder& builder, const BuildOptions& options)
    : state_(std::move(state)),
      entry_(std::move(entry)),
      kind_(info(entry_.kind)),
      path_(state_->path_of(entry_.kind, entry_.key)),
      builder_(builder),
      options_(options) {}

bool EntryBuilder::uses_tier() const {
  return options_.use_remote_tier && kind_.digest != DigestTime::never && state_->tier();
}

Result<Lease> EntryBuilder::build() {
  // A process that a builder left behind may hold the lock when the entry is long ready.
  std::optional<Lease> ready;
  WaitOptions wait = options_.wait;
  wait.is_needless = [&] {
    if (auto found = find_lease(state_, entry_.kind, entry_.key)) ready = std::move(*found);
    return ready.has_value();
  };
  auto lease = [&]() -> Result<Lease> {
    auto lock = LockFile::acquire(state_->build_lock(entry_.kind, entry_.key), wait);
    if (!lock && ready) return std::move(*ready);
    if (!lock) return Failure(std::move(lock).error());
    lock_inode_ = lock->inode();
    return build_locked(lock->fd().get());
  }();
  if (!lease || !uses_tier()) return lease;
  if (origin_ == Origin::pulled) RTENV_TRY(state_->ledger().count_pull(entry_.kind));
  if (origin_ == Origin::built) RTENV_TRY(push(*lease));
  return lease;
}

Result<Lease> EntryBuilder::build_locked(int lock_fd) {
  RTENV_TRY(wait_for_other_builder());
  // Another process may have built it while this one waited for the lock.
  RTENV_TRY(auto found, find_lease(state_, entry_.kind, entry_.key));
  if (found) return std::move(*found);
  return kind_.in_place ? build_in_place(lock_fd) : build_staged(lock_fd);
}

// The lock doesn't tell of it if another program removed its file.
Result<void> EntryBuilder::wait_for_other_builder() {
  for (;;) {
    RTENV_TRY(const auto row, state_->ledger().find(entry_.kind, entry_.key));
    if (!row || !row->is_built_elsewhere(lock_inode_)) return {};
    RTENV_TRY(
        check_not_cancelled(options_.wait.cancellation, "waiting for the build of", entry_.key));
    if (options_.wait.deadline && std::chrono::steady_clock::now() >= *options_.wait.deadline)
      return fail(Errc::busy, "Timeout: {} is being built by another process", entry_.key);
    std::this_thread::sleep_for(k_builder_pause);
  }
}

Result<void> EntryBuilder::pull_or_build(const BuildContext& context) {
  if (uses_tier()) {
    RTENV_TRY(const TempDir scratch, state_->make_temp_dir(options_.wait.cancellation));
    RTENV_TRY(const bool pulled,
              state_->tier()->pull(entry_, scratch.path(), context.target,
                                   {.final_path = path_, .relocate = options_.relocate},
                                   options_.wait.cancellation));
    if (pulled) {
      origin_ = Origin::pulled;
      return {};
    }
  }
  if (options_.wait.cancellation != nullptr && options_.wait.cancellation->requested())
    return fail(Errc::cancelled, "interrupted before {} was built", entry_.key);
  origin_ = Origin::built;
  state_->note_build();
  return builder_(context);
}

// The entry's content as `verify` will find it: a pulled one is relocated.
Result<std::string> EntryBuilder::digest(const Path& content) const {
  if (kind_.digest == DigestTime::never) return std::string();
  if (origin_ == Origin::built && options_.built_digest) return options_.built_digest();
  return tree_digest(content, kind_.user_writable_folder, default_threads(),
                     options_.wait.cancellation);
}

Result<Lease> EntryBuilder::build_staged(int lock_fd) {
  // Empty again when the entry is published; its destructor removes a tree only after an error.
  RTENV_TRY(const TempDir staging, state_->make_temp_dir(options_.wait.cancellation));
  const BuildContext context{.target = staging.path() / "content", .lock_fd = lock_fd};
  RTENV_TRY(pull_or_build(context));
  RTENV_TRY(fault_point("build.staged"));
  if (kind_.permissions == Permissions::owner_writable)
    RTENV_TRY(make_owner_writable(context.target));
  RTENV_TRY(std::string built_digest, digest(context.target));
  if (kind_.permissions == Permissions::write_protected) RTENV_TRY(make_read_only(context.target));
  if (kind_.durable) RTENV_TRY(sync_file_system(context.target));
  RTENV_TRY(fault_point("build.synced"));
  // Only if the lock's file was removed: another process has built it, too.
  RTENV_TRY(auto found, find_lease(state_, entry_.kind, entry_.key));
  if (found) return std::move(*found);
  Trash trash(*state_);
  RTENV_TRY(trash.move_in(path_));  // created by another program
  // From here until the entry is ready, a row whose build lock is free means that its builder died.
  RTENV_TRY(state_->ledger().begin_build(entry_.kind, entry_.key, lock_inode_));
  auto moved = fault_point("build.begun");
  if (moved) moved = rename_path(context.target, path_);
  if (moved && kind_.permissions == Permissions::write_protected &&
      ::chmod(path_.c_str(), 0555) != 0)
    moved = fail_errno("change the mode of", path_.native());
  if (moved) moved = fault_point("build.renamed");
  if (!moved) return give_up(std::move(moved).error());
  RTENV_TRY(auto lease, publish(std::move(built_digest)));
  // If it is cancelled, the entry is usable all the same.
  [[maybe_unused]] const auto emptied = trash.empty(options_.wait.cancellation);
  return lease;
}

Result<Lease> EntryBuilder::build_in_place(int lock_fd) {
  RTENV_TRY(state_->ledger().begin_build(entry_.kind, entry_.key, lock_inode_));
  auto digest_of_built = [&]() -> Result<std::string> {
    RTENV_TRY(fault_point("build.begun"));
    RTENV_TRY(remove_tree(path_));
    RTENV_TRY(pull_or_build({.target = path_, .lock_fd = lock_fd}));
    RTENV_TRY(fault_point("build.staged"));
    RTENV_TRY(std::string built_digest, digest(path_));
    if (kind_.durable) RTENV_TRY(sync_file_system(path_));
    RTENV_TRY(fault_point("build.synced"));
    return built_digest;
  }();
  if (!digest_of_built) return give_up(std::move(digest_of_built).error());
  return publish(std::move(*digest_of_built));
}

// If the files can't be removed now, the row stays, and the next open removes both.
Failure EntryBuilder::give_up(Error error) {
  const WaitScope scope(WaitScope::k_clean_up);  // also of a stopped call
  const auto row = state_->ledger().find(entry_.kind, entry_.key);
  if (!row || (*row && ((*row)->ready || (*row)->is_built_elsewhere(lock_inode_))))
    return Failure(std::move(error));  // it is, or may be, another process's now
  const auto remove = [&]() -> Result<void> {
    if (error.code() != Errc::cancelled) return remove_tree(path_);
    RTENV_TRY(const TempDir left, state_->make_temp_dir(options_.wait.cancellation));
    return rename_path(path_, left.path() / "content");
  };
  if (const auto removed = remove(); !removed && removed.error().code() != Errc::not_found) {
    log::warn("{}", removed.error().message());
  } else if (const auto forgotten = state_->ledger().forget_unready(entry_.kind, entry_.key);
             !forgotten) {
    log::debug("{}", forgotten.error().message());
  }
  return Failure(std::move(error));
}

Result<Lease> EntryBuilder::publish(std::string digest) {
  std::uint64_t size_bytes = 0;
  auto enter = [&]() -> Result<LeasedEntry> {
    RTENV_TRY(const TreeUsage usage, tree_usage(path_));
    // Hard links to uv's files count there.
    size_bytes = state_->uses_uv_folder() ? usage.own_bytes : usage.all_bytes();
    RTENV_TRY(fault_point("publish.measured"));
    RTENV_TRY(const Holder* holder, state_->holder());
    return state_->ledger().publish(entry_.kind, entry_.key,
                                    {.size_bytes = size_bytes, .digest = std::move(digest)},
                                    holder->id());
  };
  auto leased = enter();
  if (!leased) return give_up(std::move(leased).error());
  Lease lease(state_, *leased, entry_, path_);
  RTENV_TRY(fault_point("publish.committed"));
  if (const auto limit = state_->limits().max_bytes; limit && size_bytes > *limit)
    log::warn("{} {} has {} bytes, more than the cache's limit of {}: it is removed after its use",
              kind_.name, entry_.key, size_bytes, *limit);
  Collector(*state_).enforce_limits(options_.wait.cancellation);
  return lease;
}

// An error of the tier doesn't fail the build.
Result<void> EntryBuilder::push(const Lease& lease) {
  if (state_->has_tier_mode(TierMode::read)) return {};
  if (state_->has_tier_mode(TierMode::write_back)) {
    RTENV_TRY(state_->ledger().note_unsent(entry_));
    state_->wake_sender();
    return {};
  }
  const auto pushed = state_->tier()->push(entry_, lease.path(), options_.wait.cancellation);
  if (!pushed && pushed.error().code() == Errc::cancelled) return Failure(pushed.error());
  if (!pushed)
    log::debug("{} {} isn't pushed: {}", kind_.name, entry_.key, pushed.error().message());
  return {};
}

}  // namespace rtenv::cache
