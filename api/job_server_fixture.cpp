#include "api/job_server_fixture.hpp"

#include <nlohmann/json.hpp>

#include "base/json_text.hpp"

namespace rtenv {

std::string JobServerApi::run(const JobServer& server, const std::string& entrypoint,
                              const std::string& token) {
  JobClient jobs = client(server, token);
  const std::string id = must(jobs.submit(json_text({{"entrypoint", entrypoint}})));
  std::string log;
  const std::string details = must(jobs.follow(id, [&](std::string_view text) -> Result<void> {
    log += text;
    return {};
  }));
  EXPECT_EQ(json_from_text(details).at("status"), "SUCCEEDED") << details << log;
  return log;
}

}  // namespace rtenv
