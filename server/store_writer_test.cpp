#include "server/store_writer.hpp"

#include <future>

#include "base/temp_dir.hpp"
#include "server/sqlite_job_store.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::server {
namespace {

class StoreWriterTest : public testing::Test {
 protected:
  static StoreWriter::Work add(const std::string& id) {
    return [id](JobStore& store) -> Result<void> {
      JobRecord job{.run_id = "run of " + id, .submission = {.id = id, .entrypoint = "true"}};
      return store.add(job);
    };
  }
  std::vector<std::string> ids() {
    std::vector<std::string> result;
    for (const JobRecord& job : must(must(SqliteJobStore::open(file_))->list({})))
      result.push_back(job.id());
    return result;
  }

  TempDir folder_ = must(TempDir::create());
  Path file_ = folder_.path() / "jobs.db";
};

TEST_F(StoreWriterTest, ReportsWhenTheWorkIsDurable) {
  StoreWriter writer(must(SqliteJobStore::open(file_)));
  std::promise<Result<void>> done;
  writer.write(add("a"), [&](Result<void> result) { done.set_value(std::move(result)); });
  must(done.get_future().get());
  EXPECT_THAT(ids(), testing::ElementsAre("a"));
}

TEST_F(StoreWriterTest, AFailureAffectsOnlyItsOwnWork) {
  std::vector<Errc> failures;
  {
    StoreWriter writer(must(SqliteJobStore::open(file_)));
    // While the first one waits, the others gather for one transaction.
    std::promise<void> gathered;
    writer.write(
        [&, ready = gathered.get_future().share()](JobStore&) -> Result<void> {
          ready.wait();
          return {};
        },
        [](const Result<void>&) {});
    for (const char* id : {"a", "b", "a", "c"})
      writer.write(add(id), [&](const Result<void>& result) {
        if (!result) failures.push_back(result.error().code());
      });
    gathered.set_value();
  }
  EXPECT_THAT(failures, testing::ElementsAre(Errc::already_exists));
  EXPECT_THAT(ids(), testing::ElementsAre("a", "b", "c"));
}

TEST_F(StoreWriterTest, WhatTheStoreThrowsIsAnError) {
  StoreWriter writer(must(SqliteJobStore::open(file_)));
  std::promise<Result<void>> done;
  writer.write([](JobStore&) -> Result<void> { throw std::runtime_error("of the store"); },
               [&](Result<void> result) { done.set_value(std::move(result)); });
  EXPECT_THAT(done.get_future().get(), IsError(Errc::internal, "of the store"));
}

TEST_F(StoreWriterTest, TheDestructorWaitsForAllWrites) {
  {
    StoreWriter writer(must(SqliteJobStore::open(file_)));
    for (int i = 0; i < 100; ++i) writer.write(add(std::to_string(i)), [](const Result<void>&) {});
  }
  EXPECT_EQ(ids().size(), 100U);
}

}  // namespace
}  // namespace rtenv::server
