// Reads the job store on a thread of its own, so that the network's thread never waits for the
// disk. For the executor's thread.
#pragma once

#include "base/exceptions.hpp"
#include "server/job_store.hpp"
#include "server/run_on.hpp"
#include "server/worker_pool.hpp"

namespace rtenv::server {

class StoreReader {
 public:
  explicit StoreReader(std::unique_ptr<JobStore> store) : store_(std::move(store)) {}
  /// Waits for the read in progress.
  ~StoreReader() { thread_.join(); }
  StoreReader(const StoreReader&) = delete;
  StoreReader& operator=(const StoreReader&) = delete;

  template <class Value>
  boost::asio::awaitable<Result<Value>> read(std::function<Result<Value>(JobStore&)> work) {
    std::function<Result<Value>()> bound = [this, work = std::move(work)] {
      return without_exceptions([&] { return work(*store_); });
    };
    co_return co_await run_on(thread_, std::move(bound));
  }

 private:
  std::unique_ptr<JobStore> store_;
  WorkerPool thread_{1};
};

}  // namespace rtenv::server
