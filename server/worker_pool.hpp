// Threads of a server on which work may block.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>
#include <vector>

#include "base/exceptions.hpp"
#include "base/log.hpp"
#include "server/own_thread.hpp"

namespace rtenv::server {

/// Unlike WorkerPool, whose constructor never returns if the system refuses one of several
/// threads.
class WorkerPool {
 public:
  using executor_type = boost::asio::io_context::executor_type;

  /// Starts fewer threads if the system refuses more; throws if it refuses the first.
  explicit WorkerPool(std::size_t threads) {
    threads_.emplace_back([this] { run(); });
    try {
      while (threads_.size() < threads) threads_.emplace_back([this] { run(); });
    } catch (const std::exception&) {
      // Those that were started do the work.
    }
  }
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  /// Waits for the work in progress; the rest isn't done.
  ~WorkerPool() {
    context_.stop();
    join();
  }
  /// Waits until all work is done. No more can be added.
  void join() {
    work_.reset();
    threads_.clear();
  }
  [[nodiscard]] executor_type get_executor() { return context_.get_executor(); }

 private:
  void run() {
    const OwnThread own;
    for (;;) {
      const auto done = without_exceptions([&]() -> Result<void> {
        context_.run();
        return {};
      });
      if (done) return;
      log::warn("the job server goes on after an error: {}", done.error().message());
    }
  }

  boost::asio::io_context context_;
  boost::asio::executor_work_guard<executor_type> work_ = make_work_guard(context_);
  std::vector<std::jthread> threads_;
};

}  // namespace rtenv::server
