#include "rtenv/job.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>

#include <atomic>
#include <thread>

#include "base/fd.hpp"
#include "rtenv/package.hpp"
#include "support/in_fork.hpp"
#include "support/result_matchers.hpp"
#include "support/tree_builder.hpp"

namespace rtenv {
namespace {

using testing::HasSubstr;

class JobApi : public testing::Test {
 protected:
  JobApi() { tree_.file("job/main.sh", "echo \"$GREETING from $PWD\"; exit 3\n"); }

  [[nodiscard]] RuntimeEnv runtime_env() const {
    return must(RuntimeEnv::parse(R"({"working_dir": "job", "env_vars": {"GREETING": "hello"}})",
                                  tree_.root()));
  }
  // Runs a shell script in the job, and returns how it ended and what it printed.
  std::pair<Exit, std::string> run(PreparedJob& job, const char* script) const {
    const Path file = tree_ / "output";
    const Fd output(::open(file.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600));
    Process process = must(job.start({.argv = {"sh", "-c", script}, .output_fd = output.get()}));
    const Exit exit = must(process.wait());
    return {exit, content_of(tree_ / "output")};
  }

  TreeBuilder tree_;
  Cache cache_ = must(Cache::open(tree_ / "cache"));
};

TEST_F(JobApi, RunsACommandInADirectoryOfItsOwn) {
  PreparedJob job = must(prepare(runtime_env(), cache_));
  const auto [exit, output] = run(job, ". ./main.sh");
  EXPECT_EQ(exit.code, 3);
  EXPECT_THAT(output, HasSubstr("hello from " + job.working_dir().native()));
  EXPECT_EQ(run(job, "echo x > new; cat new").second, "x\n");
  EXPECT_FALSE(std::filesystem::exists(tree_ / "job/new"));
  EXPECT_TRUE(job.env().empty());
}

TEST_F(JobApi, AReleasedJobHasNothingAndStartsNothing) {
  PreparedJob job = must(prepare(runtime_env(), cache_));
  job.release();
  job.release();
  EXPECT_TRUE(job.working_dir().empty());
  EXPECT_THAT(job.start({.argv = {"true"}}), IsError(Errc::invalid_argument));
  EXPECT_TRUE(job.variables().empty());
}

TEST_F(JobApi, VariablesThatNoProcessCanHaveAreRefused) {
  PreparedJob job = must(prepare(runtime_env(), cache_));
  const std::string nul("a\0b", 3);
  for (const Variables& variables : {Variables{{"", "x"}}, Variables{{"A=B", "x"}},
                                     Variables{{nul, "x"}}, Variables{{"A", nul}}})
    EXPECT_THAT(job.start({.argv = {"true"}, .env_vars = variables}),
                IsError(Errc::invalid_argument, "env_vars"));
}

TEST_F(JobApi, AProcessIsWaitedForOnce) {
  PreparedJob job = must(prepare(RuntimeEnv(), cache_));
  Process process = must(job.start({.argv = {"sh", "-c", "kill -9 $$"}}));
  EXPECT_EQ(must(process.wait()).signal, SIGKILL);
  EXPECT_THAT(process.wait(), IsError(Errc::invalid_argument));
  EXPECT_EQ(process.pid(), -1);
  process.signal(SIGTERM);
}

TEST_F(JobApi, WaitingEndsWithAStopAndTheProcessGoesOn) {
  PreparedJob job = must(prepare(RuntimeEnv(), cache_));
  Process process = must(job.start({.argv = {"sleep", "600"}}));
  std::stop_source stop;
  std::thread stopper([&] { stop.request_stop(); });
  EXPECT_THAT(process.wait(stop.get_token()), IsError(Errc::cancelled));
  stopper.join();
  EXPECT_EQ(::kill(process.pid(), 0), 0);
  process.signal(SIGTERM);
  EXPECT_EQ(must(process.wait()).signal, SIGTERM);
}

const StopSignal* g_stop = nullptr;

TEST_F(JobApi, ASignalHandlerMayRequestAStop) {
  const StopSignal stop = must(StopSignal::create());
  g_stop = &stop;
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) { g_stop->request(); };
  ::sigaction(SIGUSR1, &action, &before);
  PreparedJob job = must(prepare(RuntimeEnv(), cache_));
  Process process = must(job.start({.argv = {"sleep", "600"}}));
  std::thread sender([waiting = ::pthread_self()] { ::pthread_kill(waiting, SIGUSR1); });
  EXPECT_THAT(process.wait(stop), IsError(Errc::cancelled));
  sender.join();
  ::sigaction(SIGUSR1, &before, nullptr);
  EXPECT_TRUE(stop.requested());
  PackOptions options;
  options.stop = stop;
  EXPECT_THAT(name_directory(tree_ / "job", options), IsError(Errc::cancelled));
}

TEST_F(JobApi, WaitingMayHaveALimit) {
  PreparedJob job = must(prepare(RuntimeEnv(), cache_));
  Process process = must(job.start({.argv = {"sleep", "600"}}));
  EXPECT_EQ(must(process.wait_for(std::chrono::milliseconds(20))), std::nullopt);
  process.signal(SIGKILL);
  const auto exit = must(process.wait_for(std::chrono::minutes(1)));
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->signal, SIGKILL);
}

TEST_F(JobApi, PathsStartWhereTheRuntimeEnvWasParsed) {
  in_fork([&] {
    std::filesystem::current_path(tree_.root());
    const RuntimeEnv env = must(RuntimeEnv::parse(R"({"working_dir": "job"})"));
    std::filesystem::current_path("/");
    EXPECT_THAT(prepare(env, cache_),
                IsError(Errc::invalid_argument));  // the cache is the parent's
    Cache own = must(Cache::open(tree_ / "own"));
    PreparedJob job = must(prepare(env, own));
    EXPECT_FALSE(job.working_dir().empty());
  });
}

TEST_F(JobApi, AProgramThatIsNotThereIsAnError) {
  PreparedJob job = must(prepare(RuntimeEnv(), cache_));
  EXPECT_THAT(job.start({.argv = {"no-such-program"}}), IsError(Errc::not_found));
  EXPECT_THAT(job.start({}), IsError(Errc::invalid_argument));
  for (const int fd : {999, -7})
    EXPECT_THAT(job.start({.argv = {"true"}, .output_fd = fd}), IsError(Errc::invalid_argument));
}

TEST_F(JobApi, WorksInAHostThatReapsAllChildrenItself) {
  std::atomic<bool> stop = false;
  std::thread host([&] {
    while (!stop)
      if (::waitpid(-1, nullptr, WNOHANG) <= 0) std::this_thread::yield();
  });
  PreparedJob job = must(prepare(runtime_env(), cache_));
  for (int i = 0; i < 20; ++i) {
    Process process = must(job.start({.argv = {"sh", "-c", "exit 7"}}));
    const auto exit = process.wait();
    if (exit) {
      EXPECT_EQ(exit->code, 7);
    } else {
      EXPECT_THAT(exit, IsError(Errc::internal));  // an old kernel
    }
  }
  stop = true;
  host.join();
}

TEST_F(JobApi, AForkDoesNotKillTheProcessesOfItsParent) {
  PreparedJob job = must(prepare(RuntimeEnv(), cache_));
  std::optional<Process> process = must(job.start({.argv = {"sh", "-c", "sleep 0.2; exit 5"}}));
  in_fork([&] { process.reset(); });
  EXPECT_EQ(must(process->wait()).code, 5);
}

TEST(RuntimeEnvApi, NamesTheFieldThatIsWrong) {
  const auto parsed = RuntimeEnv::parse(R"({"env_vars": {"A": 1}})");
  ASSERT_THAT(parsed, IsError(Errc::invalid_argument));
  EXPECT_THAT(parsed.error().message(), HasSubstr("env_vars"));
  EXPECT_THAT(RuntimeEnv::parse("{"), IsError(Errc::invalid_argument));
  RuntimeEnv env;
  EXPECT_THAT(env.set_env_var("A=B", "x"), IsError(Errc::invalid_argument));
  EXPECT_THAT(env.set_working_dir(""), IsError(Errc::invalid_argument));
  EXPECT_THAT(env.set_env_var("A", "x"), IsOk());
}

TEST(RuntimeEnvApi, AnInterpreterIsRelativeToTheBase) {
  TreeBuilder tree;
  tree.directory("bin");
  std::filesystem::create_symlink("/usr/bin/python3", tree / "bin/own-python");
  Cache cache = must(Cache::open(tree / "cache"));
  const RuntimeEnv env = must(RuntimeEnv::parse(R"({"pip": ["x==1"]})"));
  EnvOptions options;
  options.environment = Variables{{"PATH", "/nowhere"}, {"RTENV_PYTHON", "bin/own-python"}};
  EXPECT_THAT(plan_env(env, cache, options), IsError(Errc::not_found));
  options.base = tree.root();
  EXPECT_THAT(plan_env(env, cache, options), IsOk());
  options.environment->erase("RTENV_PYTHON");
  options.python = "bin/own-python";
  EXPECT_THAT(plan_env(env, cache, options), IsOk());
}

TEST(RuntimeEnvApi, OptionsThatContradictEachOtherAreAnError) {
  TreeBuilder tree;
  Cache cache = must(Cache::open(tree / "cache"));
  EnvOptions options;
  options.offline = true;
  options.renewal.of = Renewal::Of::unpinned;
  EXPECT_THAT(plan_env(RuntimeEnv(), cache, options), IsError(Errc::invalid_argument));
}

}  // namespace
}  // namespace rtenv
