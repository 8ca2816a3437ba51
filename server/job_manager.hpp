// The jobs of this server, for its API: submits, finds, stops and deletes them. For the executor's
// thread; what may block runs on other threads.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/lock_file.hpp"
#include "server/budget.hpp"
#include "server/job_runner.hpp"
#include "server/job_store.hpp"
#include "server/log_watcher.hpp"
#include "server/manager_options.hpp"
#include "server/retention.hpp"
#include "server/store_reader.hpp"
#include "server/store_writer.hpp"
#include "server/worker_pool.hpp"

namespace rtenv::server {

class JobPackages;

/// Details of a job that Ray's API doesn't have.
struct JobExtras {
  std::string_view phase;  // "queued", "preparing", "ready", "running", "ended"
  std::vector<int> gpus;
  nlohmann::json usage;
  std::uint64_t log_bytes = 0;
};

class JobManager {
 public:
  /// Opens the state, and takes over the jobs of an earlier server. Fails: permission_denied,
  /// unavailable (another server uses this state), invalid_argument (a newer rtenv wrote it; the
  /// supervisor's path isn't absolute), not_found (the supervisor), and as
  /// ManagerOptions::open_store.
  static Result<std::unique_ptr<JobManager>> open(boost::asio::any_io_executor executor,
                                                  ManagerOptions options, JobPackages& packages);
  ~JobManager();

  /// Returns the id when the job is stored on disk. Fails: already_exists, limit_reached,
  /// unavailable (the server is shutting down), invalid_argument (its package wasn't uploaded).
  boost::asio::awaitable<Result<std::string>> submit(Submission submission, std::string submitter);
  /// Fails: not_found, internal (its record is damaged); so do `stop` and `remove`.
  boost::asio::awaitable<Result<JobRecord>> find(std::string id);
  struct Page {
    std::vector<JobRecord> jobs;
    std::int64_t last_number = 0;  // that was looked at
    bool is_last = false;
  };
  /// At most `filter.limit` jobs, in the order of submission.
  boost::asio::awaitable<Result<Page>> list(JobFilter filter);
  /// False if it had already ended. Fails: not_found.
  boost::asio::awaitable<Result<bool>> stop(std::string id, Stop how);
  /// Deletes an ended job and its log. Fails: not_found, already_exists (it hasn't ended).
  boost::asio::awaitable<Result<void>> remove(std::string id);
  [[nodiscard]] JobExtras extras(const JobRecord& job) const;

  [[nodiscard]] Path log_file(const JobKey& job) const { return runner_.folder(job).log(); }
  /// Notifies when the job's log grows or its state changes.
  struct Following {
    std::shared_ptr<Broadcast> changed;
    std::shared_ptr<LogWatcher::Watch> watch;
  };
  /// Nullopt if the job has ended.
  std::optional<Following> follow(const JobKey& job);
  [[nodiscard]] const std::string& node_id() const noexcept { return options_.node_id; }
  [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept { return executor_; }
  /// For what may block.
  [[nodiscard]] WorkerPool& workers() noexcept { return workers_; }

  /// Starts no more jobs; running ones are left to their supervisors.
  void drain();
  /// Disconnects from the supervisors and cancels all waiting. Requires: drained, and no other user
  /// of this object.
  void close();

 private:
  JobManager(boost::asio::any_io_executor executor, ManagerOptions options, JobPackages& packages,
             std::unique_ptr<JobStore> reader, std::unique_ptr<JobStore> writer, LockFile lock);
  Result<void> take_over(std::vector<JobRecord> unfinished,
                         const std::unordered_set<std::string>& owned_folders);
  boost::asio::awaitable<Result<std::optional<JobRecord>>> find_stored(std::string id);
  [[nodiscard]] JobRecord described(const ActiveJob& active) const;
  /// Null if the job has ended.
  [[nodiscard]] ActivePtr find_active(const JobKey& job) const;

  boost::asio::any_io_executor executor_;
  ManagerOptions options_;
  JobPackages& packages_;
  LockFile lock_;
  LogWatcher logs_;
  Budget submissions_{options_.max_submission_memory_bytes};
  StoreReader reader_;
  StoreWriter writer_;
  WorkerPool workers_;
  JobRunner runner_;
  Retention retention_;
  std::unordered_set<std::string> submitting_;
  bool draining_ = false;
};

}  // namespace rtenv::server
