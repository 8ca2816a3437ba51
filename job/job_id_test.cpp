#include "job/job_id.hpp"

#include "support/result_matchers.hpp"

namespace rtenv::job {
namespace {

TEST(JobId, RefusesInvalidCharactersAndLongIds) {
  for (const char* good : {"a", "raysubmit_x", "A.b-c_9"})
    EXPECT_THAT(check_job_id(good), IsOk()) << good;
  for (const char* bad : {"", ".", "..", ".hidden", "a/b", "a b", "ä", "a\n"})
    EXPECT_THAT(check_job_id(bad), IsError(Errc::invalid_argument)) << bad;
  EXPECT_THAT(check_job_id(std::string(k_max_id_bytes, 'x')), IsOk());
  EXPECT_THAT(check_job_id(std::string(k_max_id_bytes + 1, 'x')), IsError(Errc::invalid_argument));
}

TEST(JobId, GeneratesIdsInRaysFormat) {
  const std::string id = make_job_id();
  EXPECT_EQ(id.size(), 26U);
  EXPECT_THAT(id, testing::StartsWith("raysubmit_"));
  EXPECT_THAT(check_job_id(id), IsOk());
  EXPECT_NE(id, make_job_id());
}

}  // namespace
}  // namespace rtenv::job
