#include <gtest/gtest.h>

#include "job/activation.hpp"
#include "job/foreground.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::job {
namespace {

TEST(Activation, PutsTheWorkingDirAndTheVirtualenvFirst) {
  Environment node;
  node.set("PATH", "/usr/bin");
  node.set("PYTHONPATH", "/node");
  node.set("PYTHONHOME", "/broken");
  const Environment job = activate({.node = node,
                                    .env_vars = {{"PYTHONPATH", "/own"}, {"A", "b"}},
                                    .working_dir = "/w",
                                    .py_modules = {"/m1", "/m2"},
                                    .virtual_env = "/v"});
  EXPECT_EQ(job.find("PYTHONPATH"), "/m1:/m2:/w:/own");
  EXPECT_EQ(job.find("PATH"), "/v/bin:/usr/bin");
  EXPECT_EQ(job.find("VIRTUAL_ENV"), "/v");
  EXPECT_EQ(job.find("PYTHONHOME"), std::nullopt);
  EXPECT_EQ(job.find("PYTHONUNBUFFERED"), "1");
  EXPECT_EQ(job.find("A"), "b");
}

TEST(Activation, WithoutDirectoryAndEnvironmentIsTheNodesOwn) {
  Environment node;
  node.set("PATH", "/usr/bin");
  const Environment job = activate({.node = node});
  EXPECT_EQ(job.find("PATH"), "/usr/bin");
  EXPECT_EQ(job.find("PYTHONPATH"), std::nullopt);
  EXPECT_EQ(job.find("VIRTUAL_ENV"), std::nullopt);
}

Command shell(std::string script) {
  return {.argv = {"sh", "-c", std::move(script)}, .environment = Environment::of_process()};
}

TEST(Foreground, EndsWithTheCommandsOwnStatus) {
  EXPECT_EQ(must(run_in_foreground(shell("exit 7"))).shell_status(), 7);
  EXPECT_EQ(must(run_in_foreground(shell("kill -KILL $$"))).shell_status(), 137);
  Command missing = shell("");
  missing.argv = {"no-such-program-here"};
  EXPECT_THAT(run_in_foreground(missing), IsError(Errc::not_found));
}

TEST(Foreground, PassesATerminationOn) {
  // The command itself asks its parent to end, and then must be told so.
  EXPECT_EQ(must(run_in_foreground(
                     shell("trap 'exit 9' TERM; kill -TERM $PPID; while :; do sleep 0.01; done")))
                .shell_status(),
            9);
}

}  // namespace
}  // namespace rtenv::job
