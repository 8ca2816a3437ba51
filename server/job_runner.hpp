// Brings unfinished jobs to their end: waits for resources and for a place to start, starts
// supervisors, follows what they report, and stores the end. If a crash could lose a job or run it
// twice, a change is stored before it takes effect. For the executor's thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "job/job_folder.hpp"
#include "server/active_job.hpp"
#include "server/child_reaper.hpp"
#include "server/manager_options.hpp"
#include "server/scheduler.hpp"
#include "server/start_queue.hpp"
#include "server/store_writer.hpp"
#include "server/supervisor_start.hpp"
#include "server/worker_pool.hpp"

namespace rtenv::server {

class JobPackages;

class JobRunner {
 public:
  /// The arguments must outlive it.
  JobRunner(boost::asio::any_io_executor executor, const ManagerOptions& options,
            StoreWriter& store, WorkerPool& workers, JobPackages& packages);

  /// Why the job can never start; nullopt if it can at some time.
  [[nodiscard]] std::optional<std::string> why_unsatisfiable(const JobRecord& record) const {
    return scheduler_.why_unsatisfiable(record.submission.demand);
  }
  /// If a new job doesn't have to wait for resources: takes them, and notes it in the record, which
  /// is to be stored then.
  std::optional<Allocation> reserve(JobRecord& record);
  void release(const Allocation& allocation) { scheduler_.release(allocation); }
  /// Of a stored job. `allocation`: as from `reserve`.
  void begin(JobRecord record, std::optional<Allocation> allocation, Budget::Share memory);
  /// The unfinished jobs of an earlier server. `folders`: the names of the existing job folders.
  void take_over(std::vector<JobRecord> records, const std::unordered_set<std::string>& folders,
                 Budget& memory);

  [[nodiscard]] std::size_t waiting() const noexcept {
    return scheduler_.waiting() + queue_.waiting();
  }
  [[nodiscard]] bool has_unfinished() const noexcept { return !active_.empty(); }
  /// Null if there is none.
  [[nodiscard]] ActivePtr find(const std::string& id) const;
  /// Why the entrypoint hasn't started, and how many jobs are before it, in a sentence.
  [[nodiscard]] std::string why_waiting(const ActiveJob& active) const;
  /// Of an unfinished job. Once more: `how` may hurry it. False if it had already ended. Fails: as
  /// the store, if it couldn't be stopped now.
  boost::asio::awaitable<Result<bool>> stop(ActivePtr active, Stop how);
  /// Of an ended job whose row has been deleted.
  void forget(const JobKey& job);

  [[nodiscard]] job::JobFolder folder(const JobKey& job) const {
    return {options_.state_dir / "jobs" / job.run_id};
  }

  /// Starts no more jobs; running ones are left to their supervisors.
  void drain();
  /// Disconnects from the supervisors and ends all waiting.
  void close();

 private:
  static constexpr std::chrono::seconds k_retry_pause{1};

  ActivePtr add(JobRecord record, JobState first);
  void enqueue(const ActivePtr& active);
  void dispatch_soon();
  void dispatch();
  boost::asio::awaitable<void> grant(ActivePtr active);
  boost::asio::awaitable<void> start(ActivePtr active);
  boost::asio::awaitable<void> start_later(ActivePtr active, Error error);
  boost::asio::awaitable<void> follow_supervisor(ActivePtr active);
  boost::asio::awaitable<bool> reconnect(ActivePtr active);
  void on_state(const ActivePtr& active, const job::RunState& state);
  bool advance(const ActivePtr& active, JobState next);
  void on_running(const ActivePtr& active, const job::RunState& state);
  boost::asio::awaitable<void> settle(ActivePtr active);
  void begin_again(const ActivePtr& active);
  boost::asio::awaitable<void> wake_supervisor(ActivePtr active);
  void watch_stop_of(const ActivePtr& active);
  boost::asio::awaitable<void> watch_stop(ActivePtr active);
  boost::asio::awaitable<bool> is_hung(ActivePtr active);
  boost::asio::awaitable<void> end_hung(ActivePtr active);
  boost::asio::awaitable<bool> has_ended_within(ActivePtr active,
                                                std::chrono::steady_clock::duration time);
  void end(const ActivePtr& active, const job::RunState& state);
  void fail_start(const ActivePtr& active, const Error& error);
  void finish(const ActivePtr& active);
  boost::asio::awaitable<void> store_end(ActivePtr active);
  boost::asio::awaitable<bool> store_record(ActivePtr active, const char* change);
  boost::asio::awaitable<void> pause(std::chrono::steady_clock::duration time);
  [[nodiscard]] std::string last_output(const JobRecord& record) const;

  boost::asio::any_io_executor executor_;
  const ManagerOptions& options_;
  StoreWriter& store_;
  WorkerPool& workers_;
  JobPackages& packages_;
  std::string boot_id_;
  Scheduler scheduler_;
  StartQueue queue_;
  ChildReaper children_;
  std::unordered_map<std::string, ActivePtr> active_;             // by id
  std::unordered_map<std::int64_t, ActivePtr> active_by_number_;  // the same
  std::list<boost::asio::steady_timer> pauses_;
  bool dispatching_ = false;
  bool draining_ = false;
};

}  // namespace rtenv::server
