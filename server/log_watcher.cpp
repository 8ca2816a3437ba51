#include "server/log_watcher.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>

#include "base/log.hpp"
#include "server/hand_over.hpp"
#include "server/spawn.hpp"

namespace rtenv::server {

namespace asio = boost::asio;

LogWatcher::LogWatcher(const asio::any_io_executor& executor) : inotify_(executor) {
  Fd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!fd) {
    log::warn("can't watch logs, followers see new output only when a job's state changes: {}",
              std::strerror(errno));
    return;
  }
  hand_over(std::move(fd), inotify_);
  spawn(executor, run());
}

std::unique_ptr<LogWatcher::Watch> LogWatcher::watch(const Path& file,
                                                     std::shared_ptr<Broadcast> broadcast) {
  const int number = inotify_.is_open()
                         ? ::inotify_add_watch(inotify_.native_handle(), file.c_str(), IN_MODIFY)
                         : -1;
  if (number < 0) return nullptr;
  watched_.insert_or_assign(number, std::move(broadcast));
  return std::make_unique<Watch>(*this, number);
}

void LogWatcher::forget(int number) {
  watched_.erase(number);
  if (inotify_.is_open()) ::inotify_rm_watch(inotify_.native_handle(), number);
}

void LogWatcher::close() {
  boost::system::error_code ignored;
  inotify_.close(ignored);
}

void LogWatcher::dispatch(std::string_view events) {
  while (events.size() >= sizeof(inotify_event)) {
    inotify_event event{};
    std::memcpy(&event, events.data(), sizeof event);
    if (const auto found = watched_.find(event.wd); found != watched_.end())
      found->second->notify();
    events.remove_prefix(std::min(events.size(), sizeof event + event.len));
  }
}

asio::awaitable<void> LogWatcher::run() {
  std::array<char, 16384> buffer{};
  for (;;) {
    const auto [error, count] = co_await inotify_.async_read_some(
        asio::buffer(buffer), asio::as_tuple(asio::use_awaitable));
    if (error) co_return;
    dispatch(std::string_view(buffer.data(), count));
  }
}

}  // namespace rtenv::server
