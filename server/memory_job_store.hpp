// For tests: a job store in memory, as a program that the server is part of may have one.
#pragma once

#include <algorithm>
#include <memory>

#include "server/job_store.hpp"
#include "server/memory_rows.hpp"

namespace rtenv::server {

using StoredJobs = MemoryRows<JobRecord>;

class MemoryJobStore final : public JobStore {
 public:
  explicit MemoryJobStore(std::shared_ptr<StoredJobs> jobs)
      : jobs_(std::move(jobs)), table_(*jobs_) {}

  /// A factory whose objects share `jobs`.
  static OpenJobStore factory(std::shared_ptr<StoredJobs> jobs) {
    return [jobs = std::move(jobs)](const Path&) -> Result<std::unique_ptr<JobStore>> {
      return std::unique_ptr<JobStore>(std::make_unique<MemoryJobStore>(jobs));
    };
  }

  Result<void> add(JobRecord& job) override {
    const auto lock = table_.locked();
    for (const auto& [number, row] : jobs_->rows)
      if (row.id() == job.id())
        return fail(Errc::already_exists,
                    "Job with submission_id {} already exists. Please use a different "
                    "submission_id.",
                    job.id());
    job.number = ++jobs_->last_number;
    jobs_->rows.emplace(job.number, job);
    return {};
  }
  Result<void> update(const JobRecord& job) override {
    const auto lock = table_.locked();
    if (const auto row = jobs_->rows.find(job.number); row != jobs_->rows.end()) {
      Submission submission = std::move(row->second.submission);
      row->second = job;
      row->second.submission = std::move(submission);
    }
    return {};
  }
  Result<void> remove(std::int64_t number) override {
    const auto lock = table_.locked();
    jobs_->rows.erase(number);
    return {};
  }
  Result<std::optional<JobRecord>> find(const std::string& id) override {
    const auto lock = table_.locked();
    for (const auto& [number, row] : jobs_->rows)
      if (row.id() == id) return std::optional(row);
    return std::optional<JobRecord>();
  }
  Result<std::vector<JobRecord>> list(const JobFilter& filter) override {
    const auto lock = table_.locked();
    std::vector<JobRecord> found;
    auto skipped = filter.offset;
    for (const auto& [number, row] : jobs_->rows) {
      if (number <= filter.after || (filter.status && row.status != *filter.status)) continue;
      if (skipped-- > 0) continue;
      if (static_cast<std::int64_t>(found.size()) == filter.limit) break;
      found.push_back(row);
    }
    return found;
  }
  Result<std::vector<JobRecord>> unfinished() override {
    const auto lock = table_.locked();
    std::vector<JobRecord> found;
    for (const auto& [number, row] : jobs_->rows)
      if (!is_terminal(row.status)) found.push_back(row);
    return found;
  }
  Result<std::vector<JobKey>> ended_before(std::int64_t end_ms, std::int64_t limit) override {
    const auto lock = table_.locked();
    std::vector<const JobRecord*> ended;
    for (const auto& [number, row] : jobs_->rows)
      if (row.end_ms > 0 && row.end_ms < end_ms) ended.push_back(&row);
    std::ranges::stable_sort(ended, {}, &JobRecord::end_ms);
    if (static_cast<std::int64_t>(ended.size()) > limit)
      ended.resize(static_cast<std::size_t>(limit));
    std::vector<JobKey> keys;
    for (const JobRecord* const row : ended) keys.push_back(row->key());
    return keys;
  }
  Result<std::int64_t> ended_count() override { return table_.ended_count(); }
  Result<std::unordered_set<std::string>> run_ids() override {
    const auto lock = table_.locked();
    std::unordered_set<std::string> ids;
    for (const auto& [number, row] : jobs_->rows) ids.insert(row.run_id);
    return ids;
  }
  Result<void> transaction(const std::function<Result<void>()>& body) override {
    return table_.transaction(body);
  }

 private:
  std::shared_ptr<StoredJobs> jobs_;
  MemoryTable<JobRecord> table_;
};

}  // namespace rtenv::server
