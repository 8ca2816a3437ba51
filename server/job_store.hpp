// Where a server keeps its jobs. The program that the server is part of can bring its own:
// ServerOptions::open_job_store.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "server/job_record.hpp"

namespace rtenv::server {

struct JobFilter {
  std::optional<JobStatus> status;
  std::int64_t limit = -1;  // -1: all
  std::int64_t offset = 0;
  std::int64_t after = 0;  // only jobs with higher numbers
};

/// A server opens two objects for the same jobs, and uses one on a thread that reads, the other one
/// on a thread that writes, at the same time: each is used by one thread at a time. Both may block,
/// and neither may call the server. What they throw is an error of the call. A write that has
/// returned, or whose transaction has, survives a crash, and is seen by the object that reads.
/// Damaged records are left out by what returns several, see DamagedRecords: their jobs aren't
/// served, and their rows and folders stay.
class JobStore {
 public:
  JobStore() = default;
  JobStore(const JobStore&) = delete;
  JobStore& operator=(const JobStore&) = delete;
  virtual ~JobStore() = default;

  /// Sets the record's number: higher than those of all jobs before, also of removed ones. Fails:
  /// already_exists (the id).
  virtual Result<void> add(JobRecord& job) = 0;
  /// Writes everything but the submission, which doesn't change. Succeeds if there is no job with
  /// its number.
  virtual Result<void> update(const JobRecord& job) = 0;
  /// Succeeds if there is no such job. Fails: out_of_space (then logs are removed, and it is tried
  /// again).
  virtual Result<void> remove(std::int64_t number) = 0;

  /// Fails: corrupt (the record is damaged).
  virtual Result<std::optional<JobRecord>> find(const std::string& id) = 0;
  /// In the order of submission.
  virtual Result<std::vector<JobRecord>> list(const JobFilter& filter) = 0;
  /// Jobs whose status isn't terminal, in the order of submission.
  virtual Result<std::vector<JobRecord>> unfinished() = 0;
  /// The jobs that ended before `end_ms`, at most `limit`, those that ended first.
  virtual Result<std::vector<JobKey>> ended_before(std::int64_t end_ms, std::int64_t limit) = 0;
  virtual Result<std::int64_t> ended_count() = 0;
  /// Of all jobs, also of those with damaged records.
  virtual Result<std::unordered_set<std::string>> run_ids() = 0;

  /// Runs `body`, which calls `add`, `update` and `remove` of this object; if it fails, nothing is
  /// written. Not nested. Fails: as `body`, or if it can't be written.
  virtual Result<void> transaction(const std::function<Result<void>()>& body) = 0;
};

/// Opens the store of a server that has locked its state folder. Called twice for each start.
using OpenJobStore = std::function<Result<std::unique_ptr<JobStore>>(const Path& state_folder)>;

}  // namespace rtenv::server
