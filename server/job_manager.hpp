// The jobs of this server: submitted, waiting, running, ended. Every change is written down before
// it is acted on where a crash could otherwise lose a job or run one twice. For one thread, that of
// its executor; only the store writes on another.
#pragma once

#include <sys/types.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
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
#include "server/job_packages.hpp"
#include "server/job_store.hpp"
#include "server/log_watcher.hpp"
#include "server/scheduler.hpp"
#include "server/store_writer.hpp"

namespace rtenv::server {

struct ManagerOptions {
  Path state_dir;
  NodeResources node;
  std::size_t max_queued = 10'000;  // jobs that wait; more are refused
  std::size_t max_running = 0;      // at a time; 0: any number
  std::optional<std::chrono::seconds> job_ttl =
      std::chrono::hours(24 * 7);     // of what has ended; nothing: for ever
  std::optional<std::string> python;  // see find_interpreter
  job::LogLimits log;
  job::JobLimits limits;  // of every job; entrypoint_memory comes first
  bool sandbox = false;
};

/// What is known of a job that isn't in Ray's details.
struct JobExtras {
  std::string phase;  // "queued", "preparing", "ready", "running", "ended"
  std::vector<int> gpus;
  nlohmann::json usage;
  std::uint64_t log_bytes = 0;
};

class JobManager {
 public:
  /// Opens the state, and takes over what an earlier server began. Fails: permission_denied,
  /// unavailable (another server has this state).
  static Result<std::unique_ptr<JobManager>> open(boost::asio::any_io_executor executor,
                                                  ManagerOptions options, JobPackages& packages);
  ~JobManager();

  /// The id, once the job is on the disk. Fails: already_exists, unavailable (the queue is full, or
  /// the server is ending), not_found (a package that it names).
  boost::asio::awaitable<Result<std::string>> submit(Submission submission);
  Result<std::optional<JobRecord>> find(const std::string& id);
  Result<std::vector<JobRecord>> list(const JobFilter& filter);
  /// False where it had ended already. Fails: not_found.
  Result<bool> stop(const std::string& id);
  /// Fails: not_found, permission_denied (it hasn't ended).
  boost::asio::awaitable<Result<void>> remove(const std::string& id);
  [[nodiscard]] JobExtras extras(const JobRecord& job) const;

  [[nodiscard]] Path log_file(const std::string& id) const { return folder(id).log(); }
  /// Follows a job that hasn't ended: notified when its log grows or its state changes. Nothing
  /// where it has.
  struct Following {
    std::shared_ptr<Broadcast> changed;
    std::shared_ptr<LogWatcher::Watch> watch;
  };
  std::optional<Following> follow(const std::string& id);

  /// No more jobs begin; those that run are left to their supervisors.
  void drain();
  /// Lets the supervisors go; nothing is waited for any more. Requires: drained, and nobody else
  /// uses this.
  void close();
  /// A child ended: one of the supervisors.
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
  void begin_anew(const ActivePtr& active);
  void dispatch();
  void start_waiting_supervisors();
  Result<void> start_supervisor(const ActivePtr& active);
  void send(const ActivePtr& active, std::string_view line);
  boost::asio::awaitable<void> flush(ActivePtr active);
  boost::asio::awaitable<void> listen(ActivePtr active);
  boost::asio::awaitable<void> grant(ActivePtr active);
  void on_state(const ActivePtr& active, const job::RunState& state);
  boost::asio::awaitable<void> on_silence(ActivePtr active);
  void enqueue(const ActivePtr& active);
  void end(const ActivePtr& active, const job::RunState& state);
  void fail_to_start(const ActivePtr& active, const Error& error);
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
  std::map<std::int64_t, ActivePtr> waiting_;  // for resources, by number
  std::map<std::int64_t, ActivePtr> unbegun_;  // for a supervisor
  std::unordered_set<std::string> submitting_;
  std::size_t beginning_ = 0;  // supervisors that make ready, or are about to run
  bool draining_ = false;
  boost::asio::steady_timer expiry_;
  StoreWriter writer_;  // last: its thread ends before anything else goes
};

}  // namespace rtenv::server
