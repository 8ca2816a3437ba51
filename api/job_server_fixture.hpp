// Job servers of a test, and clients of them.
#pragma once

#include <gmock/gmock.h>

#include "rtenv/job_client.hpp"
#include "rtenv/job_server.hpp"
#include "support/result_matchers.hpp"
#include "support/tree_builder.hpp"

namespace rtenv {

class JobServerApi : public testing::Test {
 protected:
  [[nodiscard]] JobServerOptions options(const std::string& name = "one") const {
    JobServerOptions options;
    options.state_dir = tree_ / (name + "-state");
    options.cache_root = tree_ / (name + "-cache");
    options.port = 0;
    options.cpus = 8;
    options.supervisor_program = RTENV_SUPERVISOR;
    return options;
  }
  static JobClient client(const JobServer& server, const std::string& token = {}) {
    Options options;
    options.environment = Variables{{"PATH", "/usr/bin:/bin"}, {"HOME", "/nonexistent"}};
    if (!token.empty()) options.environment->emplace("RAY_AUTH_TOKEN", token);
    return must(JobClient::open(server.address(), options));
  }
  // The log of a job that runs to its end.
  static std::string run(const JobServer& server, const std::string& entrypoint,
                         const std::string& token = {});

  TreeBuilder tree_;
};

}  // namespace rtenv
