#include "server/job_state.hpp"

#include <gtest/gtest.h>

namespace rtenv::server {
namespace {

using enum JobState;

TEST(JobState, AJobIsPreparedThenWaitsForResourcesThenRuns) {
  JobStage stage(unbegun);
  for (const JobState next : {setting_up, ready, granting, granted, running, ended})
    stage.become(next);
  EXPECT_TRUE(stage.is(ended));
}

TEST(JobState, NoJobRunsWithoutAStoredPermission) {
  for (const JobState from : {unbegun, setting_up, ready, granting})
    EXPECT_FALSE(may_follow(from, running)) << name(from);
  for (const JobState from : {unbegun, setting_up, ready})
    EXPECT_FALSE(may_follow(from, granted)) << name(from);
}

TEST(JobState, AJobThatMayHaveRunNeverBeginsAgain) {
  for (const JobState from : {granting, granted, running, ended})
    for (const JobState to : {unbegun, setting_up, ready})
      EXPECT_FALSE(may_follow(from, to)) << name(from) << " to " << name(to);
}

TEST(JobState, NothingFollowsTheEnd) {
  for (const JobState to :
       {unbegun, setting_up, ready, granting, granted, running, taken_over, ended})
    EXPECT_FALSE(may_follow(ended, to)) << name(to);
}

TEST(JobState, AWrongTransitionIsRefused) {
  JobStage stage(ended);
  EXPECT_THROW(stage.become(running), WrongTransition);
  EXPECT_TRUE(stage.is(ended));
}

}  // namespace
}  // namespace rtenv::server
