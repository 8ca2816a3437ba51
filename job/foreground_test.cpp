#include "job/foreground.hpp"

#include <signal.h>

#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "job/process_tree.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::job {
namespace {

Command shell(std::string script) {
  return {.argv = {"sh", "-c", std::move(script)}, .environment = Environment::of_process()};
}

TEST(Foreground, ReturnsTheStatusOfTheCommand) {
  EXPECT_EQ(must(run_in_foreground(shell("exit 7"))).shell_status(), 7);
  EXPECT_EQ(must(run_in_foreground(shell("kill -KILL $$"))).shell_status(), 137);
}

TEST(Foreground, FailsIfTheProgramDoesNotExist) {
  Command missing = shell("");
  missing.argv = {"no-such-program-here"};
  EXPECT_THAT(run_in_foreground(missing), IsError(Errc::not_found));
}

TEST(Foreground, ForwardsSigterm) {
  // The command sends SIGTERM to this process, which must forward it.
  EXPECT_EQ(must(run_in_foreground(
                     shell("trap 'exit 9' TERM; kill -TERM $PPID; while :; do sleep 0.01; done")))
                .shell_status(),
            9);
}

TEST(Foreground, RestoresTheSignalMaskAndDropsPendingSignals) {
  must(run_in_foreground(shell("kill -INT $PPID")));
  sigset_t mask;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  EXPECT_EQ(::sigismember(&mask, SIGINT), 0);
  EXPECT_EQ(::sigismember(&mask, SIGTERM), 0);
}

TEST(Foreground, EndsProcessesThatTheCommandLeavesRunning) {
  must(run_in_foreground(shell("setsid -f sleep 1000")));
  EXPECT_THAT(descendants(), testing::IsEmpty());
}

}  // namespace
}  // namespace rtenv::job
