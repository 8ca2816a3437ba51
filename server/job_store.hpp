// The jobs of a server, in SQLite: one row for each job. A write is durable when it returns. Use
// one object from one thread at a time; several objects may open the same file.
#pragma once

#include <functional>
#include <optional>
#include <unordered_set>
#include <vector>

#include "base/database.hpp"
#include "server/job_record.hpp"

namespace rtenv::server {

struct JobFilter {
  std::optional<JobStatus> status;
  std::int64_t limit = -1;  // -1: all
  std::int64_t offset = 0;
  std::int64_t after = 0;  // only jobs with higher numbers
};

class JobStore {
 public:
  /// Opens or creates the file, readable only by its owner. Fails: invalid_argument (a newer rtenv
  /// created it), permission_denied, and as Database::open.
  static Result<JobStore> open(const Path& file);

  /// Sets the record's number. Fails: already_exists.
  Result<void> add(JobRecord& job);
  /// Writes everything but the submission, which doesn't change. Succeeds if there is no job with
  /// its number.
  Result<void> update(const JobRecord& job);
  /// Succeeds if there is no such job.
  Result<void> remove(std::int64_t number);

  Result<std::optional<JobRecord>> find(const std::string& id);
  /// In the order of submission.
  Result<std::vector<JobRecord>> list(const JobFilter& filter);
  /// Jobs whose status isn't terminal, in the order of submission.
  Result<std::vector<JobRecord>> unfinished();
  /// The jobs that ended before `end_ms`, at most `limit`.
  Result<std::vector<JobKey>> ended_before(std::int64_t end_ms, std::int64_t limit);
  Result<std::int64_t> ended_count();
  /// Of all jobs.
  Result<std::unordered_set<std::string>> run_ids();

  /// Runs `body` in one transaction; if it fails, nothing is written. Fails: as `body`.
  Result<void> transaction(const std::function<Result<void>()>& body) {
    return database_.transaction(body);
  }

 private:
  explicit JobStore(Database database) : database_(std::move(database)) {}
  Database database_;
};

}  // namespace rtenv::server
