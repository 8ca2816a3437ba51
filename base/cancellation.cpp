#include "base/cancellation.hpp"

#include <sys/epoll.h>

#include "base/exceptions.hpp"
#include "base/file.hpp"
#include "base/log.hpp"

namespace rtenv {

Result<Cancellation> Cancellation::create() {
  RTENV_TRY(auto event, Event::create());
  return Cancellation(std::move(event));
}

Result<Cancellation> Cancellation::create_below(const Cancellation& parent) {
  RTENV_TRY(auto cancellation, create());
  Fd either(::epoll_create1(EPOLL_CLOEXEC));
  if (!either) return fail_errno("create", "an epoll descriptor");
  for (const int fd : {cancellation.event_.poll_fd(), parent.poll_fd()}) {
    epoll_event readable{.events = EPOLLIN, .data = {}};
    if (::epoll_ctl(either.get(), EPOLL_CTL_ADD, fd, &readable) != 0)
      return fail_errno("wait for", "a request to stop");
  }
  cancellation.either_ = std::move(either);
  cancellation.parent_ = &parent;
  return cancellation;
}

Cancellation::Cancellation(Cancellation&&) noexcept = default;

Cancellation& Cancellation::operator=(Cancellation&& other) noexcept {
  if (this != &other) {
    remove_left_folders();
    event_ = std::move(other.event_);
    parent_ = other.parent_;
    either_ = std::move(other.either_);
    state_ = std::move(other.state_);
  }
  return *this;
}

Cancellation::~Cancellation() { remove_left_folders(); }

void Cancellation::remove_left_folders() noexcept {
  if (state_ == nullptr) return;  // it was moved from
  if (!state_->origin.is_this_process()) return;
  for (const Path& folder : state_->left)
    if (const auto removed = without_exceptions([&] { return remove_tree(folder); }); !removed)
      log::warn("{}", removed.error().message());
}

void Cancellation::leave(Path folder) const {
  if (parent_ != nullptr && parent_->requested()) return parent_->leave(std::move(folder));
  const std::lock_guard lock(state_->mutex);
  state_->left.push_back(std::move(folder));
}

std::vector<Path> Cancellation::take_left_folders() const {
  const std::lock_guard lock(state_->mutex);
  return std::exchange(state_->left, {});
}

void Cancellation::request() const noexcept {
  // A fork has the handler of its parent, and the same event.
  if (!state_->origin.is_this_process()) return;
  state_->requested.store(true, std::memory_order_relaxed);
  event_.raise();
}

Result<void> check_not_cancelled(const Cancellation* cancellation, std::string_view action,
                                 std::string_view object) {
  if (cancellation == nullptr || !cancellation->requested()) return {};
  return fail(Errc::cancelled, "interrupted while {} {}", action, object);
}

}  // namespace rtenv
