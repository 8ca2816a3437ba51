// The jobs of this server: submitted, waiting, running, ended. If a crash could lose a job or run
// it twice, a change is stored before it takes effect. For the executor's thread; only the store
// writes on another one.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/lock_file.hpp"
#include "job/job_folder.hpp"
#include "job/job_limits.hpp"
#include "job/job_log.hpp"
#include "job/run_state.hpp"
#include "server/broadcast.hpp"
#include "server/job_store.hpp"
#include "server/log_watcher.hpp"
#include "server/manager_options.hpp"
#include "server/scheduler.hpp"
#include "server/store_writer.hpp"

namespace rtenv::server {

class JobPackages;

/// Details of a job that Ray's API doesn't have.
struct JobExtras {
  std::string phase;  // "queued", "preparing", "ready", "running", "ended"
  std::vector<int> gpus;
  nlohmann::json usage;
  std::uint64_t log_bytes = 0;
};

class JobManager {
 public:
  /// Opens the state, and takes over the jobs of an earlier server. Fails: permission_denied,
  /// unavailable (another server uses this state), invalid_argument (a newer rtenv wrote it).
  static Result<std::unique_ptr<JobManager>> open(boost::asio::any_io_executor executor,
                                                  ManagerOptions options, JobPackages& packages);
  ~JobManager();

  /// Returns the id when the job is stored on disk. Fails: already_exists, unavailable (the queue
  /// is full, or the server is shutting down), invalid_argument (its package wasn't uploaded).
  boost::asio::awaitable<Result<std::string>> submit(Submission submission);
  Result<std::optional<JobRecord>> find(const std::string& id);
  Result<std::vector<JobRecord>> list(const JobFilter& filter);
  /// False if it had already ended. Fails: not_found.
  Result<bool> stop(const std::string& id);
  /// Deletes an ended job and its log. Fails: not_found, already_exists (it hasn't ended).
  boost::asio::awaitable<Result<void>> remove(const std::string& id);
  [[nodiscard]] JobExtras extras(const JobRecord& job) const;

  [[nodiscard]] Path log_file(const std::string& id) const { return folder(id).log(); }
  /// Notifies when the job's log grows or its state changes.
  struct Following {
    std::shared_ptr<Broadcast> changed;
    std::shared_ptr<LogWatcher::Watch> watch;
  };
  /// Nullopt if the job has ended.
  std::optional<Following> follow(const std::string& id);

  /// Starts no more jobs; running ones are left to their supervisors.
  void drain();
  /// Disconnects from the supervisors and cancels all waiting. Requires: drained, and no other user
  /// of this object.
  void close();
  /// To be called after SIGCHLD: supervisors are children of this process.
  static void reap_children();

 private:
  struct Active;
  using ActivePtr = std::shared_ptr<Active>;
  JobManager(boost::asio::any_io_executor executor, ManagerOptions options, JobPackages& packages,
             JobStore reader, JobStore writer, LockFile lock);

  [[nodiscard]] job::JobFolder folder(const std::string& id) const {
    return {options_.state_dir / "jobs" / id};
  }
  boost::asio::awaitable<Result<void>> commit(StoreWriter::Work work);
  void write_later(const JobRecord& record);
  [[nodiscard]] bool can_start_immediately(const JobRecord& record) const;
  void begin(const ActivePtr& active);
  void begin_again(const ActivePtr& active);
  void dispatch();
  void start_supervisors();
  Result<void> start_supervisor(const ActivePtr& active);
  void send(const ActivePtr& active, std::string_view line);
  boost::asio::awaitable<void> flush(ActivePtr active);
  boost::asio::awaitable<void> listen(ActivePtr active);
  boost::asio::awaitable<void> grant(ActivePtr active);
  void on_state(const ActivePtr& active, const job::RunState& state);
  boost::asio::awaitable<void> on_disconnect(ActivePtr active);
  void enqueue(const ActivePtr& active);
  void end(const ActivePtr& active, const job::RunState& state);
  void fail_start(const ActivePtr& active, const Error& error);
  void finish(const ActivePtr& active);
  boost::asio::awaitable<void> write_end(ActivePtr active);
  Result<void> adopt();
  void adopt_one(JobRecord record);
  boost::asio::awaitable<void> collect_expired();
  void remove_folder(const std::string& id);
  [[nodiscard]] std::string last_output(const std::string& id) const;

  boost::asio::any_io_executor executor_;
  ManagerOptions options_;
  JobPackages& packages_;
  JobStore reader_;
  LockFile lock_;
  std::string boot_id_;
  Scheduler scheduler_;
  LogWatcher logs_;
  std::unordered_map<std::string, ActivePtr> active_;
  std::map<std::int64_t, ActivePtr> waiting_;    // for resources, by number
  std::map<std::int64_t, ActivePtr> unstarted_;  // waiting for a supervisor, by number
  std::unordered_set<std::string> submitting_;
  std::size_t starting_ = 0;  // supervisors between their start and the job's
  bool draining_ = false;
  boost::asio::steady_timer expiry_;
  StoreWriter writer_;  // last: its thread ends before the members above are destroyed
};

}  // namespace rtenv::server
