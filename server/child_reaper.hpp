// Reaps child processes when they end. Knows only those that it was given: a program that this
// library is part of may have children of its own. For the executor's thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <list>

#include "base/fd.hpp"

namespace rtenv::server {

class ChildReaper {
 public:
  explicit ChildReaper(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}
  void add(Fd pidfd);
  /// Waits for none of them any more.
  void close();

 private:
  using Waits = std::list<boost::asio::posix::stream_descriptor>;
  boost::asio::awaitable<void> reap(Waits::iterator wait);
  boost::asio::any_io_executor executor_;
  Waits waits_;
};

}  // namespace rtenv::server
