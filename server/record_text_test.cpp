#include "server/record_text.hpp"

#include <gtest/gtest.h>

#include "base/json_text.hpp"
#include "server/stored_job.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::server {
namespace {

TEST(RecordText, KeepsEveryField) {
  JobRecord job = stored_job("a");
  job.number = 7;
  job.submitter = "uid:1000";
  job.status = JobStatus::failed;
  job.message = "it failed";
  job.error_type = error_type::k_entrypoint;
  job.end_ms = 9;
  job.exit_code = -15;
  job.usage = {{"max_memory_bytes", 5}};
  job.launch("this boot", {1, 3});
  job.stop = Stop::at_once;
  const std::string text = record_text(job);
  EXPECT_EQ(record_text(must(record_from_text(text))), text);
  EXPECT_EQ(json_from_text(text).at("exit_code"), -15);
  EXPECT_EQ(json_from_text(text).at("gpus"), nlohmann::json({1, 3}));
  const std::string fresh = record_text(stored_job("b"));
  EXPECT_EQ(record_text(must(record_from_text(fresh))), fresh);
}

TEST(RecordText, DamagedTextIsAnError) {
  const std::string text = record_text(stored_job("a"));
  for (const std::string& damaged : {std::string(), std::string("[]"), text.substr(0, 100)})
    EXPECT_THAT(record_from_text(damaged), IsError(Errc::corrupt)) << damaged;
  nlohmann::json value = json_from_text(text);
  value["number"] = "seven";
  EXPECT_THAT(record_from_text(json_text(value)), IsError(Errc::corrupt));
  value = json_from_text(text);
  value["status"] = "WHATEVER";
  EXPECT_THAT(record_from_text(json_text(value)), IsError(Errc::corrupt));
}

}  // namespace
}  // namespace rtenv::server
