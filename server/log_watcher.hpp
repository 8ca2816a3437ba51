// Tells when a job's log has grown, by inotify: also of jobs that were begun by another server. For
// one thread.
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

  /// For as long as it lives, changes of the file notify the broadcast.
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
  /// One watch on a file at a time. Nothing where it can't be watched: then the broadcast is
  /// notified of nothing.
  std::unique_ptr<Watch> watch(const Path& file, std::shared_ptr<Broadcast> broadcast);
  void close();

 private:
  boost::asio::awaitable<void> run();
  void tell(std::string_view events);
  void forget(int number);
  boost::asio::posix::stream_descriptor inotify_;
  std::map<int, std::shared_ptr<Broadcast>> watched_;
};

}  // namespace rtenv::server
