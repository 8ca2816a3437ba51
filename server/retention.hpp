// Removes jobs that ended long ago, or earlier if there are too many or their folders take too much
// space; and folders that belong to no job. For the executor's thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <string>
#include <vector>

#include "job/job_folder.hpp"
#include "server/folder_sizes.hpp"
#include "server/manager_options.hpp"
#include "server/store_reader.hpp"
#include "server/store_writer.hpp"
#include "server/worker_pool.hpp"

namespace rtenv::server {

class Retention {
 public:
  /// The arguments must outlive it. `has_unfinished`: whether there are jobs whose folders grow.
  Retention(const boost::asio::any_io_executor& executor, const ManagerOptions& options,
            StoreReader& reader, StoreWriter& store, WorkerPool& workers,
            std::function<bool()> has_unfinished)
      : options_(options),
        reader_(reader),
        store_(store),
        workers_(workers),
        has_unfinished_(std::move(has_unfinished)),
        timer_(executor) {}

  /// Removes ended jobs when their time has come, until `close`.
  boost::asio::awaitable<void> run();
  /// There is a new job.
  void job_added();
  /// Whether there is space for the folder of another job. Fails: out_of_space.
  [[nodiscard]] Result<void> check_space() const;
  void close();

  /// Removes a job's row, then its folder. Fails: as Database; then both stay, on a full disk
  /// without the log.
  boost::asio::awaitable<Result<void>> remove(JobKey job);
  /// Removes folders in the background: of jobs without rows. What can't be removed is reported,
  /// stays until the next start, and doesn't count for the limit.
  void sweep(const std::vector<std::string>& run_ids);

 private:
  using Duration = std::chrono::steady_clock::duration;
  boost::asio::awaitable<std::size_t> remove_ended(std::int64_t before_ms, std::int64_t limit);
  boost::asio::awaitable<bool> remove_surplus();
  boost::asio::awaitable<bool> make_space();
  [[nodiscard]] Duration pause() const;
  void warn_of_failure(const Result<void>& done);
  [[nodiscard]] job::JobFolder folder(const std::string& run_id) const;
  const ManagerOptions& options_;
  StoreReader& reader_;
  StoreWriter& store_;
  WorkerPool& workers_;
  std::function<bool()> has_unfinished_;
  boost::asio::steady_timer timer_;
  Duration measuring_{};          // how long it took
  std::uint64_t used_bytes_ = 0;  // by all folders of jobs, at last
  bool is_unmeasured_ = true;     // something may have changed since
  std::shared_ptr<UnremovableFolders> unremovable_ = std::make_shared<UnremovableFolders>();
  bool removals_fail_ = false;
  bool closed_ = false;
};

}  // namespace rtenv::server
