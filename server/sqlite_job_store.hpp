// The jobs of a server in SQLite: one row for each job, in a file that several objects may open.
#pragma once

#include "base/database.hpp"
#include "server/damaged_records.hpp"
#include "server/job_store.hpp"

namespace rtenv::server {

class SqliteJobStore final : public JobStore {
 public:
  /// Opens or creates the file, readable only by its owner. Fails: invalid_argument (a newer rtenv
  /// created it), permission_denied, and as Database::open.
  static Result<std::unique_ptr<JobStore>> open(const Path& file);

  Result<void> add(JobRecord& job) override;
  Result<void> update(const JobRecord& job) override;
  Result<void> remove(std::int64_t number) override;
  Result<std::optional<JobRecord>> find(const std::string& id) override;
  Result<std::vector<JobRecord>> list(const JobFilter& filter) override;
  Result<std::vector<JobRecord>> unfinished() override;
  Result<std::vector<JobKey>> ended_before(std::int64_t end_ms, std::int64_t limit) override;
  Result<std::int64_t> ended_count() override;
  Result<std::unordered_set<std::string>> run_ids() override;
  Result<void> transaction(const std::function<Result<void>()>& body) override {
    return database_.transaction(body);
  }

 private:
  explicit SqliteJobStore(Database database) : database_(std::move(database)) {}
  Result<std::vector<JobRecord>> read_intact(Statement& rows, std::int64_t limit);
  Database database_;
  DamagedRecords damaged_;
};

}  // namespace rtenv::server
