#include "server/child_reaper.hpp"

#include <sys/wait.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "server/hand_over.hpp"
#include "server/spawn.hpp"

namespace rtenv::server {

namespace asio = boost::asio;

void ChildReaper::add(Fd pidfd) {
  const auto wait = waits_.emplace(waits_.end(), executor_);
  hand_over(std::move(pidfd), *wait);
  spawn(executor_, reap(wait));
}

asio::awaitable<void> ChildReaper::reap(Waits::iterator wait) {
  const auto [error] = co_await wait->async_wait(asio::posix::stream_descriptor::wait_read,
                                                 asio::as_tuple(asio::use_awaitable));
  // By its descriptor: where the program reaps all of its children, the number may be another's.
  siginfo_t ignored{};
  if (!error)
    ::waitid(P_PIDFD, static_cast<id_t>(wait->native_handle()), &ignored, WEXITED | WNOHANG);
  waits_.erase(wait);
}

void ChildReaper::close() {
  boost::system::error_code ignored;
  for (auto& wait : waits_) wait.cancel(ignored);
}

}  // namespace rtenv::server
