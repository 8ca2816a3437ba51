#include "server/sqlite_job_store.hpp"

#include <sys/stat.h>

#include "base/temp_dir.hpp"
#include "server/stored_job.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::server {
namespace {

TEST(SqliteJobStore, OpensTheStoreOfAnOlderVersion) {
  const TempDir folder = must(TempDir::create());
  const Path file = folder.path() / "old.db";
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
  const auto store = must(SqliteJobStore::open(file));
  const auto read = must(store->find("a")).value();
  EXPECT_EQ(read.run_id, "a") << "the name of its folder";
  EXPECT_EQ(read.number, 7);
  EXPECT_TRUE(read.launched);
  JobRecord next = stored_job("b");
  must(store->add(next));
  EXPECT_EQ(must(must(SqliteJobStore::open(file))->find("b")).value().run_id, "run of b");
}

TEST(SqliteJobStore, IsReadableOnlyByItsOwner) {
  const TempDir folder = must(TempDir::create());
  const auto store = must(SqliteJobStore::open(folder.path() / "jobs.db"));
  for (const char* name : {"jobs.db", "jobs.db-wal"}) {
    struct stat status {};
    JobRecord job = stored_job(name);
    must(store->add(job));
    ASSERT_EQ(::stat((folder.path() / name).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U) << name;
  }
}

TEST(SqliteJobStore, LeavesOutDamagedRecords) {
  const TempDir folder = must(TempDir::create());
  const Path file = folder.path() / "jobs.db";
  const auto store = must(SqliteJobStore::open(file));
  const std::vector<std::string> damages{"gpus = '[\"x\"]'",
                                         "gpus = '{'",
                                         "runtime_env = '{'",
                                         "demand = '[]'",
                                         "demand = '{\"cpus\": \"x\"}'",
                                         "usage = ''",
                                         "status = 'X'",
                                         "run_id = '..'",
                                         "run_id = 'a/b'",
                                         "stop = 7"};
  Database database = must(Database::open(file));
  for (std::size_t i = 0; i < damages.size(); ++i) {
    JobRecord job = stored_job(fmt::format("damaged-{}", i));
    job.status = JobStatus::pending;
    job.end_ms = 1;
    must(store->add(job));
    must(database.execute(
        fmt::format("UPDATE jobs SET {} WHERE id = '{}'", damages[i], job.id()).c_str()));
    EXPECT_THAT(store->find(job.id()), IsError(Errc::corrupt)) << damages[i];
  }
  JobRecord intact = stored_job("intact");
  intact.status = JobStatus::pending;
  intact.end_ms = 2;
  must(store->add(intact));
  const auto unfinished = must(store->unfinished());
  ASSERT_EQ(unfinished.size(), 1U);
  EXPECT_EQ(unfinished[0].id(), "intact");
  const auto page = must(store->list({.limit = 1}));
  ASSERT_EQ(page.size(), 1U);
  EXPECT_EQ(page[0].id(), "intact");
  const auto ended = must(store->ended_before(3, 1));
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].id, "intact");
  EXPECT_EQ(must(store->run_ids()).size(), damages.size() + 1) << "their folders aren't removed";
}

TEST(JobRecord, DetailsCanHideTheValuesOfVariables) {
  const auto details = job_details(stored_job("a"), {}, true);
  EXPECT_EQ(details["runtime_env"]["env_vars"]["A"], "<redacted>");
}

}  // namespace
}  // namespace rtenv::server
