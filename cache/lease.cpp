#include "cache/lease.hpp"

#include "base/exceptions.hpp"
#include "base/log.hpp"
#include "base/tree_usage.hpp"
#include "cache/cache_state.hpp"

namespace rtenv::cache {

Lease::Lease(std::shared_ptr<CacheState> state, LeasedEntry leased, EntryName entry, Path path)
    : state_(std::move(state)), leased_(leased), entry_(std::move(entry)), path_(std::move(path)) {}

Lease::Lease(Lease&& other) noexcept = default;

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    release();
    state_ = std::move(other.state_);
    leased_ = other.leased_;
    entry_ = std::move(other.entry_);
    path_ = std::move(other.path_);
  }
  return *this;
}

Lease::~Lease() { release(); }

void Lease::release() noexcept {
  if (!state_) return;
  // Another thread may have held a lock of the state when the process was forked.
  if (!state_->origin().is_this_process()) {
    state_.reset();
    return;
  }
  // A failure isn't fatal: the row is deleted with its holder's.
  if (const auto released = without_exceptions([&] { return state_->ledger().release(leased_); });
      !released)
    log::debug("the lease on {} is not released: {}", entry_.key, released.error().message());
  state_->note_release();
  state_.reset();
}

Result<void> Lease::measure_again() const {
  RTENV_TRY(const TreeUsage usage, tree_usage(path_));
  RTENV_TRY(const auto row, state_->ledger().find(kind(), key()));
  if (!row) return {};
  // What it shares with uv's folder counts there, unless it was counted here.
  const std::uint64_t shared_bytes = usage.all_bytes() - usage.own_bytes;
  const bool counted = row->size_bytes >= shared_bytes;
  return state_->ledger().set_size(row->id, usage.own_bytes + (counted ? shared_bytes : 0));
}

int Lease::lock_fd() const noexcept { return state_->lock_fd(); }

}  // namespace rtenv::cache
