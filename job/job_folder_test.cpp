#include "job/job_folder.hpp"

#include <sys/stat.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::job {
namespace {

class JobFolderTest : public testing::Test {
 protected:
  TempDir dir_ = must(TempDir::create());
  JobFolder folder_{dir_.path()};
};

RunState ended_state() {
  RunState state;
  state.phase = RunPhase::ended;
  state.outcome = Outcome::stopped;
  state.run = "run-1-2";
  state.supervisor_pid = 12;
  state.entrypoint_pid = 34;
  state.entrypoint_start_ticks = 56;
  state.boot_id = "boot";
  state.gpus = {0, 3};
  state.running_ms = 1000;
  state.ended_ms = 2000;
  state.exit_code = -15;
  state.error = "an error";
  state.lost_log_bytes = 7;
  state.log_error = "No space left on device";
  state.usage = {.user_s = 0.5, .system_s = 0.25, .max_rss_bytes = 4096};
  return state;
}

TEST_F(JobFolderTest, ReadsTheStateThatWasWritten) {
  const RunState written = ended_state();
  must(folder_.write_state(written));
  const auto read = must(folder_.read_state());
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(to_json(*read), to_json(written));
  EXPECT_EQ(read->outcome, Outcome::stopped);
  EXPECT_EQ(read->exit_code, -15);
  ASSERT_TRUE(read->usage.has_value());
  EXPECT_EQ(read->usage->max_rss_bytes, 4096);
}

TEST_F(JobFolderTest, ReplacesTheState) {
  must(folder_.write_state(RunState{}));
  must(folder_.write_state(ended_state()));
  EXPECT_EQ(must(folder_.read_state())->phase, RunPhase::ended);
}

TEST_F(JobFolderTest, OnlyTheOwnerCanReadTheState) {
  must(folder_.write_state(RunState{}));
  struct stat status {};
  ASSERT_EQ(::stat(folder_.state().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(JobFolderTest, HasNoStateIfTheFileIsMissing) {
  EXPECT_FALSE(must(folder_.read_state()).has_value());
}

TEST_F(JobFolderTest, AnUnreadableStateIsAnError) {
  for (const char* text : {"", "{", "[]", "{\"phase\": \"ready\"}"}) {
    std::ofstream(folder_.state()) << text;
    EXPECT_THAT(folder_.read_state(), IsError(Errc::corrupt, "isn't the state of a job")) << text;
  }
  must(remove_tree(folder_.state()));
  must(make_directories(folder_.state()));
  EXPECT_FALSE(folder_.read_state());
}

TEST(RunState, WritesNullForUnknownValues) {
  const auto json = to_json(RunState{});
  EXPECT_EQ(json.at("phase"), "preparing");
  EXPECT_TRUE(json.at("exit_code").is_null());
  EXPECT_TRUE(json.at("usage").is_null());
  const auto read = run_state_from_json(json);
  ASSERT_TRUE(read.has_value());
  EXPECT_FALSE(read->exit_code.has_value());
  EXPECT_FALSE(read->usage.has_value());
}

TEST(RunState, RejectsAnUnknownPhaseOrOutcome) {
  auto json = to_json(RunState{});
  json["phase"] = "paused";
  EXPECT_FALSE(run_state_from_json(json).has_value());
  json = to_json(RunState{});
  json["outcome"] = "lost";
  EXPECT_FALSE(run_state_from_json(json).has_value());
}

}  // namespace
}  // namespace rtenv::job
