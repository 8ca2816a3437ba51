// Notices by inotify when the logs of jobs grow, whichever server started the jobs. For the
// executor's thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <map>
#include <memory>
#include <string_view>

#include "base/fd.hpp"
#include "server/broadcast.hpp"

namespace rtenv::server {

class LogWatcher {
 public:
  explicit LogWatcher(const boost::asio::any_io_executor& executor);

  /// While it exists, changes of the file notify the broadcast.
  class Watch {
   public:
    Watch(LogWatcher& watcher, int number) : watcher_(watcher), number_(number) {}
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch() { watcher_.forget(number_); }

   private:
    LogWatcher& watcher_;
    int number_;
  };
  /// At most one watch for a file at a time. Null if the file can't be watched, for example because
  /// it doesn't exist yet.
  std::unique_ptr<Watch> watch(const Path& file, std::shared_ptr<Broadcast> broadcast);
  /// Stops watching.
  void close();

 private:
  boost::asio::awaitable<void> run();
  void dispatch(std::string_view events);
  void forget(int number);
  boost::asio::posix::stream_descriptor inotify_;
  std::map<int, std::shared_ptr<Broadcast>> watched_;
};

}  // namespace rtenv::server
