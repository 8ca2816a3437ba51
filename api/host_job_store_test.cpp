#include "api/host_job_store.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "api/job_server_fixture.hpp"
#include "base/json_text.hpp"
#include "server/memory_rows.hpp"
#include "support/eventually.hpp"

namespace rtenv {
namespace {

using testing::HasSubstr;

struct Jobs : server::MemoryRows<StoredJob> {
  std::function<void()> on_add;
};

// As a program may keep them in a database of its own.
class StoreInMemory final : public JobStore {
 public:
  explicit StoreInMemory(std::shared_ptr<Jobs> jobs) : jobs_(std::move(jobs)), table_(*jobs_) {}

  Result<std::int64_t> add(const StoredJob& job) override {
    if (jobs_->on_add) jobs_->on_add();
    const auto lock = table_.locked();
    for (const auto& [number, row] : jobs_->rows)
      if (row.id == job.id) return Error(Errc::already_exists, job.id + " exists");
    StoredJob added = job;
    added.number = ++jobs_->last_number;
    jobs_->rows.emplace(added.number, added);
    return added.number;
  }
  Result<void> update(const StoredJob& job) override {
    const auto lock = table_.locked();
    if (const auto row = jobs_->rows.find(job.number); row != jobs_->rows.end()) row->second = job;
    return {};
  }
  Result<void> remove(std::int64_t number) override {
    const auto lock = table_.locked();
    jobs_->rows.erase(number);
    return {};
  }
  Result<std::optional<StoredJob>> find(std::string_view id) override {
    const std::lock_guard lock(jobs_->mutex);  // not in a transaction
    for (const auto& [number, row] : jobs_->rows)
      if (row.id == id) return std::optional(row);
    return std::optional<StoredJob>();
  }
  Result<std::vector<StoredJob>> list(const Query& query) override {
    const auto lock = table_.locked();
    std::vector<StoredJob> found;
    std::int64_t skipped = 0;
    for (const auto& [number, row] : jobs_->rows) {
      if (number <= query.after || (!query.status.empty() && row.status != query.status)) continue;
      if (skipped++ < query.offset) continue;
      if (static_cast<std::int64_t>(found.size()) == query.limit) break;
      found.push_back(row);
    }
    return found;
  }
  Result<std::vector<StoredJob>> ended_before(std::int64_t end_ms, std::int64_t limit) override {
    const auto lock = table_.locked();
    std::vector<StoredJob> found;
    for (const auto& [number, row] : jobs_->rows)
      if (row.end_ms > 0 && row.end_ms < end_ms) found.push_back(row);
    std::ranges::stable_sort(found, {}, &StoredJob::end_ms);
    if (static_cast<std::int64_t>(found.size()) > limit)
      found.resize(static_cast<std::size_t>(limit));
    return found;
  }
  Result<std::int64_t> ended_count() override { return table_.ended_count(); }
  Result<void> transaction(const std::function<Result<void>()>& body) override {
    return table_.transaction(body);
  }

 private:
  std::shared_ptr<Jobs> jobs_;
  server::MemoryTable<StoredJob> table_;
};

TEST_F(JobServerApi, AStoreOfTheHostKeepsTheJobs) {
  auto jobs = std::make_shared<Jobs>();
  JobServerOptions with_store = options();
  with_store.open_store = [jobs]() -> Result<std::unique_ptr<JobStore>> {
    return std::unique_ptr<JobStore>(std::make_unique<StoreInMemory>(jobs));
  };
  std::optional<JobServer> server = must(JobServer::start(with_store));
  (void)run(*server, "echo hello");
  const auto has_ended = [&] {
    const std::lock_guard lock(jobs->mutex);
    if (jobs->rows.size() != 1) return false;
    const StoredJob& job = jobs->rows.begin()->second;
    return job.status == "SUCCEEDED" && job.end_ms > 0;
  };
  EXPECT_TRUE(eventually(has_ended));
  EXPECT_FALSE(std::filesystem::exists(tree_ / "one-state/jobs.db"));
  server.reset();
  server = must(JobServer::start(with_store));
  const auto found = json_from_text(must(client(*server).list()));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].at("entrypoint"), "echo hello");
  EXPECT_THAT(client(*server).remove(found[0].at("submission_id").get<std::string>()), IsOk());
  EXPECT_TRUE(jobs->rows.empty());
}

TEST_F(JobServerApi, AStoreThatThrowsIsNamed) {
  auto jobs = std::make_shared<Jobs>();
  JobServerOptions with_store = options();
  with_store.open_store = [jobs]() -> Result<std::unique_ptr<JobStore>> {
    return std::unique_ptr<JobStore>(std::make_unique<StoreInMemory>(jobs));
  };
  JobServer server = must(JobServer::start(with_store));
  jobs->on_add = [] { throw std::runtime_error("no database"); };
  const auto submitted = client(server).submit(R"({"entrypoint": "true"})");
  EXPECT_THAT(submitted, IsError(Errc::unavailable, "JobStore::add threw an exception"));
  jobs->on_add = nullptr;
  EXPECT_THAT(client(server).submit(R"({"entrypoint": "true"})"), IsOk());
}

TEST_F(JobServerApi, AStoreThatLiesIsFoundOut) {
  const auto with_jobs = [&](auto change) {
    auto jobs = std::make_shared<Jobs>();
    change(*jobs);
    JobServerOptions changed = options();
    changed.open_store = [jobs]() -> Result<std::unique_ptr<JobStore>> {
      return std::unique_ptr<JobStore>(std::make_unique<StoreInMemory>(jobs));
    };
    return JobServer::start(changed);
  };
  tree_.file("victim/file", "x");
  EXPECT_THAT(with_jobs([](Jobs& jobs) {
                jobs.rows[1] = {.number = 1,
                                .id = "a",
                                .run_id = "../../victim",
                                .status = "FAILED",
                                .end_ms = 1,
                                .record = "{}"};
              }),
              IsOk());  // ended jobs are read later, and not removed
  EXPECT_TRUE(std::filesystem::exists(tree_ / "victim/file"));
}

TEST_F(JobServerApi, ADamagedRecordIsLeftAloneAndTheOthersAreServed) {
  auto jobs = std::make_shared<Jobs>();
  JobServerOptions with_store = options();
  with_store.open_store = [jobs]() -> Result<std::unique_ptr<JobStore>> {
    return std::unique_ptr<JobStore>(std::make_unique<StoreInMemory>(jobs));
  };
  std::optional<JobServer> server = must(JobServer::start(with_store));
  for (int i = 0; i < 3; ++i) (void)run(*server, "echo hello");
  server.reset();
  const auto damage = [&](std::int64_t number, const std::string& status) {
    StoredJob& row = jobs->rows.at(number);
    row.id = fmt::format("damaged-{}", number);
    row.status = status;
    row.record = "{\"number\": 1, ";
    tree_.file("one-state/jobs/" + row.run_id + "/kept", "");
    return row;
  };
  std::vector<StoredJob> damaged;
  {
    const std::lock_guard lock(jobs->mutex);
    damaged = {damage(1, "PENDING"), damage(2, "FAILED")};
    for (auto& [number, row] : jobs->rows) row.end_ms = number == 1 ? 0 : number;  // long ago
  }
  server = must(JobServer::start(with_store));
  EXPECT_THAT(run(*server, "echo hello"), HasSubstr("hello"));
  JobListOptions one;
  one.limit = 1;
  EXPECT_EQ(json_from_text(must(client(*server).list(one))).size(), 1U)
      << "a page isn't shorter, or it would be the last one";
  JobClient ask = client(*server);
  EXPECT_THAT(ask.details("damaged-1"), IsError(Errc::unavailable, "can't read the record"));
  EXPECT_THAT(ask.stop("damaged-1"), IsError(Errc::unavailable));
  EXPECT_THAT(ask.remove("damaged-2"), IsError(Errc::unavailable));
  EXPECT_THAT(ask.submit(R"({"entrypoint": "true", "submission_id": "damaged-1"})"),
              IsError(Errc::already_exists));
  const auto has_gone = [&](std::int64_t number) {
    for (int i = 0; i < 500; ++i, std::this_thread::sleep_for(std::chrono::milliseconds(10))) {
      const std::lock_guard lock(jobs->mutex);
      if (!jobs->rows.contains(number)) return true;
    }
    return false;
  };
  EXPECT_TRUE(has_gone(3)) << "those that ended long ago are removed";
  server.reset();
  for (const StoredJob& before : damaged) {
    const StoredJob& row = jobs->rows.at(before.number);
    EXPECT_EQ(row.record, before.record);
    EXPECT_EQ(row.status, before.status);
    EXPECT_TRUE(std::filesystem::exists(tree_ / ("one-state/jobs/" + row.run_id) / "kept"));
  }
}

TEST_F(JobServerApi, CodeThatAServerCallsCannotWaitForItsEnd) {
  auto jobs = std::make_shared<Jobs>();
  std::optional<JobServer> server;
  Result<void> stopped;
  jobs->on_add = [&] { stopped = server->stop(); };
  JobServerOptions with_store = options();
  with_store.open_store = [jobs]() -> Result<std::unique_ptr<JobStore>> {
    return std::unique_ptr<JobStore>(std::make_unique<StoreInMemory>(jobs));
  };
  server = must(JobServer::start(with_store));
  (void)client(*server).submit(R"({"entrypoint": "true"})");
  EXPECT_THAT(server->wait(), IsOk());
  EXPECT_THAT(stopped, IsError(Errc::invalid_argument));
}

TEST_F(JobServerApi, CodeThatAServerCallsMayDestroyAServerThatHasEnded) {
  std::optional<JobServer> ended = must(JobServer::start(options("two")));
  EXPECT_THAT(ended->stop(), IsOk());
  auto jobs = std::make_shared<Jobs>();
  Result<void> again = Error(Errc::internal, "not called");
  jobs->on_add = [&] {
    again = ended->stop();
    ended.reset();
  };
  JobServerOptions with_store = options();
  with_store.open_store = [jobs]() -> Result<std::unique_ptr<JobStore>> {
    return std::unique_ptr<JobStore>(std::make_unique<StoreInMemory>(jobs));
  };
  JobServer server = must(JobServer::start(with_store));
  EXPECT_THAT(client(server).submit(R"({"entrypoint": "true"})"), IsOk());
  EXPECT_FALSE(ended.has_value());
  EXPECT_THAT(again, IsOk());
}

}  // namespace
}  // namespace rtenv
