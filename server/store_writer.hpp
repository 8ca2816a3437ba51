// Writes to the job store on a thread of its own, so that the network never waits for the disk.
// What comes while one write is under way goes to the disk together in the next: many submissions,
// one sync. Thread-safe.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "server/job_store.hpp"

namespace rtenv::server {

class StoreWriter {
 public:
  using Work = std::function<Result<void>(JobStore&)>;
  /// Called on the writer's thread, once the work is durable or failed.
  using Done = std::function<void(Result<void>)>;

  explicit StoreWriter(JobStore store);
  /// Writes what is left.
  ~StoreWriter();
  StoreWriter(const StoreWriter&) = delete;
  StoreWriter& operator=(const StoreWriter&) = delete;

  /// In the order of the calls. `work` may be run twice, the first time to no effect.
  void write(Work work, Done done);

 private:
  struct Item {
    Work work;
    Done done;
  };
  void run();
  void write_all(std::vector<Item>& items);

  JobStore store_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Item> waiting_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace rtenv::server
