#include "server/take_over.hpp"

#include "support/result_matchers.hpp"

namespace rtenv::server {
namespace {

using job::Outcome;
using job::RunPhase;
using job::RunState;
using State = Result<std::optional<RunState>>;

constexpr const char* k_boot = "this boot";

JobRecord with_permission(const std::string& boot = k_boot) {
  JobRecord record;
  record.launch(boot, {});
  return record;
}

State state(RunPhase phase, const std::string& boot = k_boot) {
  RunState state;
  state.phase = phase;
  state.outcome = phase == RunPhase::ended ? Outcome::exited : Outcome::none;
  state.boot_id = boot;
  return std::optional(state);
}

constexpr bool k_inherited = true;

TEST(TakeOver, AJobOfWhichNothingHasRunBeginsAgain) {
  const State none = std::optional<RunState>();
  for (const JobRecord& record : {JobRecord(), with_permission()}) {
    EXPECT_FALSE(end_of_unsupervised(record, none, k_inherited, k_boot));
    for (const RunPhase phase : {RunPhase::preparing, RunPhase::ready})
      EXPECT_FALSE(end_of_unsupervised(record, state(phase), k_inherited, k_boot));
  }
}

TEST(TakeOver, AJobThatCouldNotBeginDoesLater) {
  State not_begun = state(RunPhase::ended);
  (*not_begun)->outcome = Outcome::not_begun;
  EXPECT_FALSE(end_of_unsupervised(with_permission(), not_begun, true, k_boot));
}

TEST(TakeOver, TheSupervisorsOwnEndCounts) {
  const auto end =
      end_of_unsupervised(with_permission(), state(RunPhase::ended), k_inherited, k_boot);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->outcome, Outcome::exited);
  EXPECT_TRUE(end_of_unsupervised(with_permission("earlier"), state(RunPhase::ended, "earlier"),
                                  k_inherited, k_boot))
      << "also from before a restart of the machine";
}

TEST(TakeOver, AJobThatMayHaveRunNeverRunsAgain) {
  const auto running =
      end_of_unsupervised(with_permission(), state(RunPhase::running), k_inherited, k_boot);
  ASSERT_TRUE(running);
  EXPECT_EQ(running->outcome, Outcome::died);
  const auto unreadable = end_of_unsupervised(
      with_permission(), fail(Errc::corrupt, "it is garbage"), k_inherited, k_boot);
  ASSERT_TRUE(unreadable);
  EXPECT_THAT(unreadable->error, testing::HasSubstr("isn't run again: it is garbage"));
}

TEST(TakeOver, APermissionFromBeforeARestartOfTheMachineMayHaveBeenUsed) {
  for (const State& seen : {State(std::optional<RunState>()), state(RunPhase::ready, "earlier")}) {
    const auto end = end_of_unsupervised(with_permission("earlier"), seen, k_inherited, k_boot);
    ASSERT_TRUE(end);
    EXPECT_THAT(end->error, testing::HasSubstr("The machine was restarted"));
  }
  EXPECT_FALSE(
      end_of_unsupervised(JobRecord(), state(RunPhase::ready, "earlier"), k_inherited, k_boot))
      << "it only waited";
}

TEST(TakeOver, AJobWhoseSupervisorThisServerStartedAndLostHasFailed) {
  const auto end =
      end_of_unsupervised(JobRecord(), state(RunPhase::preparing), !k_inherited, k_boot);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->outcome, Outcome::died);
}

}  // namespace
}  // namespace rtenv::server
