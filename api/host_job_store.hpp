// The job store of the program that a server is part of, as the server uses it. Internal to this
// folder.
#pragma once

#include "rtenv/job_server.hpp"
#include "server/damaged_records.hpp"
#include "server/job_store.hpp"

namespace rtenv::api {

class HostJobStore final : public server::JobStore {
 public:
  explicit HostJobStore(std::unique_ptr<rtenv::JobStore> store) : store_(std::move(store)) {}

  /// Fails: invalid_argument (`open` returns null), and as `open`.
  static server::OpenJobStore factory(OpenJobStore open);

  Result<void> add(server::JobRecord& job) override;
  Result<void> update(const server::JobRecord& job) override;
  Result<void> remove(std::int64_t number) override { return store_->remove(number); }
  Result<std::optional<server::JobRecord>> find(const std::string& id) override;
  Result<std::vector<server::JobRecord>> list(const server::JobFilter& filter) override;
  Result<std::vector<server::JobRecord>> unfinished() override;
  Result<std::vector<server::JobKey>> ended_before(std::int64_t end_ms,
                                                   std::int64_t limit) override;
  Result<std::int64_t> ended_count() override { return store_->ended_count(); }
  Result<std::unordered_set<std::string>> run_ids() override;
  Result<void> transaction(const std::function<Result<void>()>& body) override;

 private:
  Result<void> add_intact(const std::vector<StoredJob>& jobs,
                          std::vector<server::JobRecord>& records);

  std::unique_ptr<rtenv::JobStore> store_;
  server::DamagedRecords damaged_;
  std::int64_t last_number_ = 0;  // of the jobs that this object added
};

}  // namespace rtenv::api
