#include "server/job_store.hpp"

#include <sys/stat.h>

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
  written.launched = true;
  written.boot_id = "boot";
  written.usage = {{"user_s", 0.5}};
  must(store_.update(written));
  const auto read = must(must(JobStore::open(file_)).find("a")).value();
  const NodeNames node{.node_id = "n", .agent_address = "http://a"};
  EXPECT_EQ(job_details(read, node, false), job_details(written, node, false));
  EXPECT_EQ(to_json(read.submission.demand), to_json(written.submission.demand));
  EXPECT_EQ(read.usage, written.usage);
  EXPECT_TRUE(read.launched);
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
  JobRecord ended = job("a");
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
  EXPECT_THAT(must(store_.ended_before(101, 10)), testing::ElementsAre("a"));
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
