// The jobs of a server, in SQLite: a row a job, durable before anything is answered. Belongs to one
// thread at a time; one writes, others may read through objects of their own.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/database.hpp"
#include "server/job_record.hpp"

namespace rtenv::server {

struct JobFilter {
  std::optional<JobStatus> status;
  std::int64_t limit = -1;  // -1: all
  std::int64_t offset = 0;
};

class JobStore {
 public:
  /// Opens or makes the file, readable by its owner alone. Fails: invalid_argument where a newer
  /// rtenv made it.
  static Result<JobStore> open(const Path& file);

  /// Sets the record's number. Fails: already_exists.
  Result<void> add(JobRecord& job);
  /// Writes what can change: everything but what was submitted.
  Result<void> update(const JobRecord& job);
  /// Nothing there is fine.
  Result<void> remove(const std::string& id);

  Result<std::optional<JobRecord>> find(const std::string& id);
  /// In the order of submission.
  Result<std::vector<JobRecord>> list(const JobFilter& filter);
  /// Those that aren't terminal, in the order of submission.
  Result<std::vector<JobRecord>> unfinished();
  /// Terminal ones that ended before `end_ms`, at most `limit`.
  Result<std::vector<std::string>> ended_before(std::int64_t end_ms, std::int64_t limit);

  /// All in one transaction, on the disk when it returns.
  Result<void> in_one_step(const std::function<Result<void>()>& body) {
    return database_.transaction(body);
  }

 private:
  explicit JobStore(Database database) : database_(std::move(database)) {}
  Database database_;
};

}  // namespace rtenv::server
