// Writes to the job store on a thread of its own, so that the network's thread never waits for the
// disk. Writes that are requested during a transaction share the next one, and its sync.
// Thread-safe.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "server/job_store.hpp"

namespace rtenv::server {

class StoreWriter {
 public:
  using Work = std::function<Result<void>(JobStore&)>;
  /// Called on the writer's thread when the work is durable or has failed.
  using Done = std::function<void(Result<void>)>;

  explicit StoreWriter(std::unique_ptr<JobStore> store);
  /// Waits until all requested writes are done.
  ~StoreWriter();
  StoreWriter(const StoreWriter&) = delete;
  StoreWriter& operator=(const StoreWriter&) = delete;

  /// Writes in the order of the calls. `work` is run again if its first transaction was rolled
  /// back.
  void write(Work work, Done done);
  /// The same for a coroutine, which goes on when the work is durable or has failed.
  boost::asio::awaitable<Result<void>> commit(Work work);

 private:
  struct Item {
    Work work;
    Done done;
  };
  void run();
  void write_all(std::vector<Item>& items);

  std::unique_ptr<JobStore> store_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Item> waiting_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace rtenv::server
