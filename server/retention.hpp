// Removes jobs that ended long ago, and folders that belong to no job. For the executor's thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <string>
#include <vector>

#include "job/job_folder.hpp"
#include "server/manager_options.hpp"
#include "server/store_reader.hpp"
#include "server/store_writer.hpp"

namespace rtenv::server {

class Retention {
 public:
  /// The arguments must outlive it.
  Retention(const boost::asio::any_io_executor& executor, const ManagerOptions& options,
            StoreReader& reader, StoreWriter& store, boost::asio::thread_pool& workers)
      : options_(options), reader_(reader), store_(store), workers_(workers), timer_(executor) {}

  /// Removes ended jobs when their time has come, until `close`.
  boost::asio::awaitable<void> run();
  void close();

  /// Removes a job's row, then its folder. Fails: as Database; then both stay.
  boost::asio::awaitable<Result<void>> remove(JobKey job);
  /// Removes folders in the background: of jobs without rows. What can't be removed is reported and
  /// stays until the next start.
  void sweep(const std::vector<std::string>& run_ids);

 private:
  [[nodiscard]] job::JobFolder folder(const std::string& run_id) const;
  const ManagerOptions& options_;
  StoreReader& reader_;
  StoreWriter& store_;
  boost::asio::thread_pool& workers_;
  boost::asio::steady_timer timer_;
  bool closed_ = false;
};

}  // namespace rtenv::server
