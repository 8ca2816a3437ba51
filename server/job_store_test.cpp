// What every job store must do: SQLite's, and one that a program brings.
#include "server/job_store.hpp"

#include <ostream>

#include "base/temp_dir.hpp"
#include "server/memory_job_store.hpp"
#include "server/sqlite_job_store.hpp"
#include "server/stored_job.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::server {
namespace {

struct Kind {
  const char* name;
  OpenJobStore (*factory)();
};
void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }
OpenJobStore in_sqlite() {
  return [](const Path& folder) { return SqliteJobStore::open(folder / "jobs.db"); };
}
OpenJobStore in_memory() { return MemoryJobStore::factory(std::make_shared<StoredJobs>()); }

class JobStoreTest : public testing::TestWithParam<Kind> {
 protected:
  [[nodiscard]] std::unique_ptr<JobStore> open() const { return must(factory_(folder_.path())); }
  void add(JobRecord job) { must(store_->add(job)); }

  TempDir folder_ = must(TempDir::create());
  OpenJobStore factory_ = GetParam().factory();
  std::unique_ptr<JobStore> store_ = open();
};
INSTANTIATE_TEST_SUITE_P(, JobStoreTest,
                         testing::Values(Kind{"InSqlite", in_sqlite}, Kind{"InMemory", in_memory}),
                         [](const auto& kind) { return kind.param.name; });

TEST_P(JobStoreTest, ReadsBackEveryFieldOfAJob) {
  JobRecord written = stored_job("a");
  must(store_->add(written));
  written.status = JobStatus::failed;
  written.message = "why";
  written.error_type = error_type::k_entrypoint;
  written.exit_code = -9;
  written.end_ms = 7;
  written.launch("boot", {2, 0});
  written.stop = Stop::at_once;
  written.usage = {{"user_s", 0.5}};
  must(store_->update(written));
  const auto read = must(open()->find("a")).value();
  const NodeNames node{.node_id = "n", .agent_address = "http://a"};
  EXPECT_EQ(job_details(read, node, false), job_details(written, node, false));
  EXPECT_EQ(to_json(read.submission.demand), to_json(written.submission.demand));
  EXPECT_EQ(read.usage, written.usage);
  EXPECT_TRUE(read.launched);
  EXPECT_EQ(read.boot_id, "boot");
  EXPECT_EQ(read.gpus, (std::vector{2, 0}));
  EXPECT_EQ(read.stop, Stop::at_once);
  EXPECT_EQ(read.run_id, "run of a");
}

TEST_P(JobStoreTest, ALaterJobWithTheSameIdIsAnother) {
  JobRecord first = stored_job("a");
  must(store_->add(first));
  must(store_->remove(first.number));
  JobRecord second = stored_job("a");
  second.run_id = "another run";
  must(store_->add(second));
  first.status = JobStatus::failed;
  must(store_->update(first));
  EXPECT_EQ(must(store_->find("a")).value().status, JobStatus::pending);
  EXPECT_THAT(must(store_->run_ids()), testing::UnorderedElementsAre("another run"));
}

TEST_P(JobStoreTest, RefusesAnIdThatExists) {
  add(stored_job("a"));
  JobRecord again = stored_job("a");
  EXPECT_THAT(store_->add(again),
              IsError(Errc::already_exists, "Please use a different submission_id."));
}

TEST_P(JobStoreTest, ListsInTheOrderOfSubmission) {
  for (const char* id : {"b", "a", "c"}) add(stored_job(id));
  JobRecord ended = must(store_->find("a")).value();
  ended.status = JobStatus::stopped;
  ended.end_ms = 100;
  must(store_->update(ended));
  const auto ids = [](const std::vector<JobRecord>& jobs) {
    std::vector<std::string> result;
    for (const JobRecord& each : jobs) result.push_back(each.id());
    return result;
  };
  EXPECT_THAT(ids(must(store_->list({}))), testing::ElementsAre("b", "a", "c"));
  EXPECT_THAT(ids(must(store_->list({.limit = 1, .offset = 1}))), testing::ElementsAre("a"));
  EXPECT_THAT(ids(must(store_->list({.status = JobStatus::stopped}))), testing::ElementsAre("a"));
  EXPECT_THAT(ids(must(store_->unfinished())), testing::ElementsAre("b", "c"));
  const auto expired = must(store_->ended_before(101, 10));
  ASSERT_EQ(expired.size(), 1U);
  EXPECT_EQ(expired.front().id, "a");
  EXPECT_EQ(expired.front().number, ended.number);
  EXPECT_THAT(must(store_->ended_before(100, 10)), testing::IsEmpty());
}

TEST_P(JobStoreTest, ATransactionIsWrittenAsAWholeOrNotAtAll) {
  add(stored_job("before"));
  const auto number = must(store_->find("before")).value().number;
  const auto write = [&](Result<void> end) {
    return store_->transaction([&]() -> Result<void> {
      JobRecord first = stored_job("first");
      RTENV_TRY(store_->add(first));
      RTENV_TRY(store_->remove(number));
      return end;
    });
  };
  EXPECT_THAT(write(fail(Errc::out_of_space, "no space")), IsError(Errc::out_of_space));
  EXPECT_TRUE(must(open()->find("before")));
  EXPECT_FALSE(must(open()->find("first")));
}

TEST_P(JobStoreTest, OneObjectSeesWhatTheOtherHasWritten) {
  const auto reader = open();
  EXPECT_THAT(must(reader->list({})), testing::IsEmpty());
  must(store_->transaction([&]() -> Result<void> {
    JobRecord job = stored_job("a");
    return store_->add(job);
  }));
  EXPECT_EQ(must(reader->list({})).size(), 1U);
  EXPECT_EQ(must(reader->ended_count()), 0);
}

}  // namespace
}  // namespace rtenv::server
