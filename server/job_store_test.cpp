#include "server/job_store.hpp"

#include <sys/stat.h>

#include "base/database.hpp"
#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::server {
namespace {

class JobStoreTest : public testing::Test {
 protected:
  TempDir folder_ = must(TempDir::create());
  Path file_ = folder_.path() / "jobs.db";
  JobStore store_ = must(JobStore::open(file_));

  static JobRecord job(const std::string& id) {
    JobRecord job;
    job.submission = {.id = id,
                      .entrypoint = "echo 'ü'",
                      .runtime_env = {{"env_vars", {{"A", "1"}}}},
                      .metadata = nullptr,
                      .demand = {.cpus = 0.5, .gpus = 2, .names_gpus = true}};
    job.start_ms = 5;
    job.run_id = "run of " + id;
    return job;
  }
  void add(JobRecord job) { must(store_.add(job)); }
};

TEST_F(JobStoreTest, ReadsBackEveryFieldOfAJob) {
  JobRecord written = job("a");
  must(store_.add(written));
  written.status = JobStatus::failed;
  written.message = "why";
  written.error_type = error_type::k_entrypoint;
  written.exit_code = -9;
  written.end_ms = 7;
  written.launch("boot", {2, 0});
  written.stop = Stop::at_once;
  written.usage = {{"user_s", 0.5}};
  must(store_.update(written));
  const auto read = must(must(JobStore::open(file_)).find("a")).value();
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

TEST_F(JobStoreTest, ALaterJobWithTheSameIdIsAnother) {
  JobRecord first = job("a");
  must(store_.add(first));
  must(store_.remove(first.number));
  JobRecord second = job("a");
  second.run_id = "another run";
  must(store_.add(second));
  first.status = JobStatus::failed;
  must(store_.update(first));
  EXPECT_EQ(must(store_.find("a")).value().status, JobStatus::pending);
  EXPECT_THAT(must(store_.run_ids()), testing::UnorderedElementsAre("another run"));
}

TEST_F(JobStoreTest, OpensTheStoreOfAnOlderVersion) {
  const Path file = folder_.path() / "old.db";
  {
    auto old = must(Database::open(file));
    must(old.execute(R"(
        CREATE TABLE jobs (
          number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, status TEXT NOT NULL,
          entrypoint TEXT NOT NULL, runtime_env TEXT NOT NULL, metadata TEXT NOT NULL,
          demand TEXT NOT NULL, message TEXT NOT NULL, error_type TEXT NOT NULL,
          start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, exit_code TEXT NOT NULL,
          usage TEXT NOT NULL, launched INTEGER NOT NULL, boot_id TEXT NOT NULL) STRICT;
        INSERT INTO jobs VALUES (7, 'a', 'RUNNING', 'true', 'null', 'null', '{}', '', '', 1, 0,
          'null', 'null', 1, 'boot');
        PRAGMA user_version = 1;)"));
  }
  auto store = must(JobStore::open(file));
  const auto read = must(store.find("a")).value();
  EXPECT_EQ(read.run_id, "a") << "the name of its folder";
  EXPECT_EQ(read.number, 7);
  EXPECT_TRUE(read.launched);
  JobRecord next = job("b");
  must(store.add(next));
  EXPECT_EQ(must(must(JobStore::open(file)).find("b")).value().run_id, "run of b");
}

TEST_F(JobStoreTest, DetailsCanHideTheValuesOfVariables) {
  const auto details = job_details(job("a"), {}, true);
  EXPECT_EQ(details["runtime_env"]["env_vars"]["A"], "<redacted>");
}

TEST_F(JobStoreTest, RefusesAnIdThatExists) {
  add(job("a"));
  JobRecord again = job("a");
  EXPECT_THAT(store_.add(again),
              IsError(Errc::already_exists, "Please use a different submission_id."));
}

TEST_F(JobStoreTest, ListsInTheOrderOfSubmission) {
  for (const char* id : {"b", "a", "c"}) add(job(id));
  JobRecord ended = must(store_.find("a")).value();
  ended.status = JobStatus::stopped;
  ended.end_ms = 100;
  must(store_.update(ended));
  const auto ids = [](const std::vector<JobRecord>& jobs) {
    std::vector<std::string> result;
    for (const JobRecord& each : jobs) result.push_back(each.id());
    return result;
  };
  EXPECT_THAT(ids(must(store_.list({}))), testing::ElementsAre("b", "a", "c"));
  EXPECT_THAT(ids(must(store_.list({.limit = 1, .offset = 1}))), testing::ElementsAre("a"));
  EXPECT_THAT(ids(must(store_.list({.status = JobStatus::stopped}))), testing::ElementsAre("a"));
  EXPECT_THAT(ids(must(store_.unfinished())), testing::ElementsAre("b", "c"));
  const auto expired = must(store_.ended_before(101, 10));
  ASSERT_EQ(expired.size(), 1U);
  EXPECT_EQ(expired.front().id, "a");
  EXPECT_EQ(expired.front().number, ended.number);
  EXPECT_THAT(must(store_.ended_before(100, 10)), testing::IsEmpty());
}

TEST_F(JobStoreTest, IsReadableOnlyByItsOwner) {
  for (const char* name : {"jobs.db", "jobs.db-wal"}) {
    struct stat status {};
    add(job(name));
    ASSERT_EQ(::stat((folder_.path() / name).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U) << name;
  }
}

}  // namespace
}  // namespace rtenv::server
