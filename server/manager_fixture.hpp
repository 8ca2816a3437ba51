// For tests: a job manager with a state folder of its own, on an event loop that runs on demand. No
// job can start: the machine has no CPUs, so jobs that request one fail immediately.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>

#include "base/temp_dir.hpp"
#include "cache/cache.hpp"
#include "server/job_manager.hpp"
#include "server/job_packages.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::server {

class ManagerFixture : public testing::Test {
 protected:
  void TearDown() override {
    jobs_->drain();
    jobs_->close();
    context_.restart();
    context_.run();
  }

  /// Runs the event loop until the work is done.
  template <class Value>
  Value run(boost::asio::awaitable<Value> work) {
    std::optional<Value> result;
    boost::asio::co_spawn(context_, std::move(work),
                          [&](const std::exception_ptr& fault, Value value) {
                            if (fault) std::rethrow_exception(fault);
                            result = std::move(value);
                          });
    while (!result) context_.run_one();
    return std::move(*result);
  }

  TempDir folder_ = must(TempDir::create());
  boost::asio::io_context context_{1};
  JobPackages packages_{
      []() -> Result<cache::Cache> { return fail(Errc::unavailable, "this test has no cache"); },
      1000, must(Cancellation::create())};
  std::unique_ptr<JobManager> jobs_ = must(JobManager::open(
      context_.get_executor(),
      {.state_dir = folder_.path() / "state", .supervisor_program = "/proc/self/exe"}, packages_));
};

}  // namespace rtenv::server
