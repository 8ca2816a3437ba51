#include "server/child_reaper.hpp"

#include <sys/wait.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace rtenv::server {

namespace asio = boost::asio;

void ChildReaper::add(Child child) {
  const auto wait = waits_.emplace(waits_.end(), executor_, child.pidfd.release());
  asio::co_spawn(executor_, reap(child.pid, wait), asio::detached);
}

asio::awaitable<void> ChildReaper::reap(pid_t pid, Waits::iterator wait) {
  const auto [error] = co_await wait->async_wait(asio::posix::stream_descriptor::wait_read,
                                                 asio::as_tuple(asio::use_awaitable));
  waits_.erase(wait);
  if (!error) ::waitpid(pid, nullptr, WNOHANG);
}

void ChildReaper::close() {
  boost::system::error_code ignored;
  for (auto& wait : waits_) wait.cancel(ignored);
}

}  // namespace rtenv::server
