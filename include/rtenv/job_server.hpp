// A job server in the caller's process: it speaks Ray's Jobs API, so the `ray job` command, Ray's
// Python client and rtenv::JobClient work against it. It runs on threads of its own. A process may
// have several, with different state folders.
//
// Each job is supervised by a process that outlives the server: rtenv-supervisor, which is
// installed with the library. A server that starts with the same state folder takes over the jobs
// of the one before.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "rtenv/options.hpp"

namespace rtenv {

/// Decides who may use a server, instead of tokens and users.
class RTENV_API Authenticator {
 public:
  /// What is known of who sends a request. The texts are valid during the call.
  struct Request {
    std::string_view method;                // "GET"
    std::string_view path;                  // as it was sent, without the query
    std::string_view address;               // of the other end: "10.0.0.1", "unix"
    std::optional<uid_t> uid = {};          // of a process on this machine; never of a proxy
    std::optional<std::string> token = {};  // from the Authorization header, or as Ray sends it
    bool was_forwarded = false;             // by a proxy, as a header says
  };
  struct Caller {
    std::string name = {};    // for the audit log
    bool may_submit = false;  // and stop and delete; else: read jobs and logs
  };
  struct Refusal {
    bool is_unknown = false;   // should say who it is (status 401); else 403
    std::string message = {};  // for the client
  };

  Authenticator() = default;
  Authenticator(const Authenticator&) = delete;
  Authenticator& operator=(const Authenticator&) = delete;
  virtual ~Authenticator();

  /// Called for each request on the server's thread: must not block. An exception refuses the
  /// request (status 500). Requests of foreign web pages are refused before.
  virtual std::variant<Caller, Refusal> authenticate(const Request& request) = 0;
};

/// A job as a store keeps it.
struct StoredJob {
  std::int64_t number = 0;  // in the order of submission; chosen by JobStore::add
  std::string id = {};      // unique
  std::string run_id = {};  // unique, also among removed jobs
  std::string status = {};  // "PENDING", "RUNNING", "STOPPED", "SUCCEEDED", "FAILED"
  std::int64_t end_ms = 0;  // milliseconds since 1970; 0: it hasn't ended
  std::string record = {};  // all else, a JSON text of the server's; may contain secrets
};

/// Keeps the jobs of a server, instead of its file jobs.db. A server opens two objects for the same
/// jobs: one is used on a thread that reads, the other one on a thread that writes, at the same
/// time. They may block. An exception is an error of the call. What was written, or committed by
/// `transaction`, survives a crash, and is seen by the object that reads. That a job runs or has
/// ended may be written after clients see it; after a crash, its folder in the state folder says
/// so. A job whose record can't be read is logged and left out: the server neither updates nor
/// removes it, and keeps its folder.
class RTENV_API JobStore {
 public:
  JobStore() = default;
  JobStore(const JobStore&) = delete;
  JobStore& operator=(const JobStore&) = delete;
  virtual ~JobStore();

  /// Returns the job's number: higher than those of all jobs before, also of removed ones. Fails:
  /// already_exists (the id).
  virtual Result<std::int64_t> add(const StoredJob& job) = 0;
  /// Replaces the job with its number; does nothing if there is none.
  virtual Result<void> update(const StoredJob& job) = 0;
  /// Does nothing if there is none.
  virtual Result<void> remove(std::int64_t number) = 0;

  virtual Result<std::optional<StoredJob>> find(std::string_view id) = 0;
  struct Query {
    std::string status = {};  // empty: any
    std::int64_t after = 0;   // only higher numbers
    std::int64_t offset = 0;  // of those
    std::int64_t limit = -1;  // -1: all
  };
  /// By number.
  virtual Result<std::vector<StoredJob>> list(const Query& query) = 0;
  /// Those with end_ms between 1 and `end_ms` - 1, the earliest first, at most `limit`.
  virtual Result<std::vector<StoredJob>> ended_before(std::int64_t end_ms, std::int64_t limit) = 0;
  /// Of those with an end_ms.
  virtual Result<std::int64_t> ended_count() = 0;

  /// Calls `body`, which calls `add`, `update` and `remove` of this object. If it fails, nothing of
  /// that is written. Not nested.
  virtual Result<void> transaction(const std::function<Result<void>()>& body) = 0;
};

/// Jobs run in bubblewrap, which must be in the PATH of JobServerOptions::environment: they see no
/// home directory, other processes, sockets of services, other jobs' files and secrets of the
/// server, and write to their own directory only.
struct JobSandbox {
  /// Files and folders that they can read although they are in a home directory, /tmp or /run.
  std::vector<Path> readable = {};
  bool has_network = true;  // of their commands; their packages are installed before
};

/// Called twice for each start.
using OpenJobStore = std::function<Result<std::unique_ptr<JobStore>>()>;

/// Relative paths begin at the current folder, when the server starts.
struct JobServerOptions {
  /// Where the server keeps its jobs' folders, logs and records, and what their supervisors say of
  /// themselves (supervisors.log). Required; for one server at a time.
  Path state_dir = {};
  /// The cache of the server and its jobs. Empty: Cache::default_root.
  Path cache_root = {};
  /// Of the jobs; RTENV_… of them are settings, see docs/jobs.md. nullopt: those of the process, as
  /// they are when the server starts.
  std::optional<Variables> environment = {};

  std::string host = "127.0.0.1";        // an address of this machine
  std::uint16_t port = 8265;             // 0: any free one
  std::optional<Path> unix_socket = {};  // instead of the host and port
  int listening_socket = -1;  // instead of all of these; it is closed, also if the start fails
  std::vector<std::string> allowed_hosts = {};  // other names of this machine, in Host headers
  std::optional<Path> tls_certificate = {};     // PEM, with the chain
  std::optional<Path> tls_key = {};

  /// Who may use the server: without any of these, processes of this user and of root on this
  /// machine.
  std::optional<std::string> token = {};
  std::optional<Path> token_file = {};  // see docs/jobs.md
  std::shared_ptr<Authenticator> authenticator = {};
  /// Lets anybody use it, unless there is a token or an authenticator; and other machines without
  /// TLS.
  bool insecure = false;

  OpenJobStore open_store = {};  // empty: the file jobs.db in the state folder
  /// Empty: RTENV_SUPERVISOR of the environment, else what is installed with the library, else
  /// rtenv-supervisor in PATH.
  Path supervisor_program = {};
  /// Supervisors write their own messages to standard error, not to supervisors.log.
  bool supervisors_use_standard_error = false;
  std::optional<std::string> python = {};  // see EnvOptions::python
  /// Older environments are built anew, see Renewal::Of::aged; nullopt: of any age.
  std::optional<std::chrono::seconds> env_max_age = {};
  std::string ray_version = {};  // that clients are told; empty: the one that this rtenv is like

  // What jobs may use. nullopt: what this machine has.
  std::optional<double> cpus = {};
  std::optional<std::vector<int>> gpus = {};
  std::optional<std::int64_t> memory_bytes = {};
  std::map<std::string, double, std::less<>> resources = {};  // others

  std::optional<JobSandbox> sandbox = {};
  std::optional<std::uint64_t> max_processes = {};   // of a job; one that exceeds it is stopped
  std::optional<std::uint64_t> max_open_files = {};  // of each process of a job
  /// The soft limit of open files that jobs begin with; nullopt: that of this process.
  std::optional<std::uint64_t> open_files = {};

  // Beyond these, submissions and uploads are refused.
  std::uint64_t max_running = 0;  // jobs at a time; 0: as many as the resources allow. Others wait.
  std::uint64_t max_queued = 10'000;
  std::uint64_t max_setups = 16;                          // that are prepared at a time, of a user
  std::uint64_t max_package_bytes = 10ULL << 30U;         // of an upload
  std::uint64_t max_uploads_bytes = 20ULL << 30U;         // of all that are being received
  std::uint64_t max_request_bytes = 4ULL << 20U;          // of any other request
  std::uint64_t max_request_memory_bytes = 64ULL << 20U;  // of all that are being read
  /// Of what all unfinished jobs were submitted with.
  std::uint64_t max_submission_memory_bytes = 256ULL << 20U;

  std::uint64_t max_log_bytes = 1ULL << 30U;  // of a job; beyond it, the middle is dropped
  /// How long ended jobs and their logs are kept; nullopt: for ever.
  std::optional<std::chrono::seconds> job_ttl = std::chrono::hours(24 * 7);
  // Beyond these, jobs that ended first are removed earlier.
  std::uint64_t max_ended_jobs = 100'000;
  std::uint64_t max_jobs_bytes = 100ULL << 30U;  // of logs and records

  Stop stop = {};  // of the start alone
};

/// Thread-safe, but for moving and destroying. In a fork of the process that started it, its
/// functions fail or do nothing.
class RTENV_API JobServer {
 public:
  /// Returns when clients can connect. After an error nothing is left but the state folder. Fails:
  /// invalid_argument (an option, the token or the certificate), permission_denied (open to other
  /// machines without authentication and TLS), not_found (the supervisor, bwrap or a file that an
  /// option names), unavailable (the address or the state folder is in use; no more threads), and
  /// as opening the cache and the job store.
  static Result<JobServer> start(const JobServerOptions& options);
  JobServer(JobServer&& other) noexcept;
  JobServer& operator=(JobServer&& other) noexcept;
  /// As `stop`. On a thread of the server itself, such as in an authenticator, it doesn't wait.
  ~JobServer();

  /// http://HOST:PORT, https://HOST:PORT or unix:PATH. Empty after a move.
  [[nodiscard]] const std::string& address() const noexcept;
  /// Reads the token file and the certificate again, soon; if that fails, keeps the old ones and
  /// logs why.
  void reload() noexcept;
  /// Ends current requests and the server; running jobs continue. Returns at once.
  /// Async-signal-safe.
  void request_stop() noexcept;
  /// For poll(2): readable when the server has ended. -1 after a move.
  [[nodiscard]] int poll_fd() const noexcept;
  /// Waits until the server and its threads have ended. Fails: internal (a fault ended it),
  /// invalid_argument (on a thread of its own, in a fork, after a move).
  Result<void> wait();
  /// request_stop() and wait(). Again: the same result.
  Result<void> stop();

 private:
  struct State;
  explicit JobServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace rtenv
