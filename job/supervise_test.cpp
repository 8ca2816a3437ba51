#include "job/supervise.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/fault_point.hpp"
#include "base/file.hpp"
#include "base/json_text.hpp"
#include "base/lock_file.hpp"
#include "base/log.hpp"
#include "base/temp_dir.hpp"
#include "cache/cache.hpp"
#include "job/control_socket.hpp"
#include "job/job_folder.hpp"
#include "job/job_order.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::job {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;

// Runs a supervisor and its guardian as child processes, with the server's end of the connection.
class SupervisorTest : public testing::Test {
 protected:
  void SetUp() override { must(make_directories(folder_.path)); }
  void TearDown() override {
    if (guardian_ > 0) {
      ::kill(guardian_, SIGKILL);
      wait_for_exit();
    }
  }

  static JobOrder order(std::string entrypoint) {
    return {.id = "job", .entrypoint = std::move(entrypoint), .start = std::vector<int>()};
  }
  void start(const JobOrder& order) {
    auto sockets = must(make_socket_pair());
    auto lock = must(LockFile::try_acquire(folder_.lock()));
    server_ = std::move(sockets.ours);
    guardian_ = ::fork();
    ASSERT_GE(guardian_, 0);
    if (guardian_ == 0) {
      server_.reset();
      log::set_sink(log::Level::info, log::to_standard_error());
      ::_exit(supervise(options_, folder_.path, std::move(sockets.theirs), Fd(lock->fd().get())));
    }
    send(to_json(order));
  }
  void send(const json& message) const {
    must(write_full(server_, json_text(message) + "\n", "the control socket"));
  }
  // The next state that the supervisor reports; nullopt once the connection is closed.
  std::optional<RunState> next_state() {
    std::array<char, 4096> buffer;
    for (;;) {
      if (const auto line = lines_.next()) return run_state_from_json(json_from_text(*line));
      pollfd entry{server_.get(), POLLIN, 0};
      if (::poll(&entry, 1, 20'000) != 1) throw std::runtime_error("the supervisor hangs");
      const ssize_t count = ::read(server_.get(), buffer.data(), buffer.size());
      if (count <= 0) return std::nullopt;
      lines_.add({buffer.data(), static_cast<std::size_t>(count)});
    }
  }
  RunState wait_for(RunPhase phase) {
    while (const auto state = next_state())
      if (state->phase == phase && (phase != RunPhase::running || state->entrypoint_pid != 0))
        return *state;
    throw std::runtime_error("the supervisor has closed the connection");
  }
  void wait_until_closed() {
    while (next_state()) {
    }
  }
  int wait_for_exit() {
    int status = 0;
    ::waitpid(std::exchange(guardian_, -1), &status, 0);
    return status;
  }
  void wait_for_log(std::string_view text) const {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (log().find(text) == std::string::npos && std::chrono::steady_clock::now() < deadline)
      ::usleep(1000);
  }
  [[nodiscard]] std::string log() const { return read_file(folder_.log()).value_or(""); }

  TempDir dir_ = must(TempDir::create());
  JobFolder folder_{dir_.path() / "state" / "jobs" / "job"};
  SupervisorOptions options_{
      .node = Environment::of_process(),
      .cache_root = dir_.path() / "cache",
      .open_cache = [root = dir_.path() / "cache"] { return cache::Cache::open(root); }};
  Fd server_;
  LineBuffer lines_;
  pid_t guardian_ = -1;
};

TEST_F(SupervisorTest, RunsTheEntrypoint) {
  start(order("echo hi; echo $RTENV_JOB; exit 3"));
  EXPECT_EQ(next_state()->phase, RunPhase::running) << "reported before the entrypoint starts";
  const RunState ended = wait_for(RunPhase::ended);
  EXPECT_EQ(ended.outcome, Outcome::exited);
  EXPECT_EQ(ended.exit_code, 3);
  EXPECT_TRUE(ended.usage.has_value());
  EXPECT_EQ(WEXITSTATUS(wait_for_exit()), 0);
  EXPECT_EQ(to_json(*must(folder_.read_state())), to_json(ended));
  EXPECT_EQ(log(), "Running entrypoint for job job: echo hi; echo $RTENV_JOB; exit 3\nhi\njob\n");
}

TEST_F(SupervisorTest, WaitsForTheStartCommand) {
  JobOrder waiting = order("echo gpus $GPUS");
  waiting.start.reset();
  waiting.gpu_variable = "GPUS";
  start(waiting);
  EXPECT_EQ(wait_for(RunPhase::ready).outcome, Outcome::none);
  send({{"start", {{"gpus", {1, 2}}}}});
  EXPECT_EQ(wait_for(RunPhase::ended).gpus, (std::vector{1, 2}));
  EXPECT_THAT(log(), HasSubstr("gpus 1,2\n"));
}

TEST_F(SupervisorTest, PreparesTheRuntimeEnv) {
  JobOrder prepared = order("echo A is $A");
  prepared.runtime_env = {{"env_vars", {{"A", "b"}}}};
  start(prepared);
  EXPECT_EQ(next_state()->phase, RunPhase::preparing);
  EXPECT_EQ(wait_for(RunPhase::ended).exit_code, 0);
  EXPECT_EQ(log(),
            "Runtime env is setting up.\n"
            "Running entrypoint for job job: echo A is $A\n"
            "A is b\n");
}

TEST_F(SupervisorTest, ReportsAFailedSetup) {
  options_.open_cache = []() -> Result<cache::Cache> {
    return fail(Errc::unavailable, "no cache").hint("create one");
  };
  JobOrder failing = order("echo never");
  failing.runtime_env = {{"env_vars", {{"A", "b"}}}};
  start(failing);
  const RunState ended = wait_for(RunPhase::ended);
  EXPECT_EQ(ended.outcome, Outcome::setup_failed);
  EXPECT_EQ(ended.error, "no cache (create one)");
  EXPECT_EQ(log(), "Runtime env is setting up.\n");
}

TEST_F(SupervisorTest, ReportsAnInvalidRuntimeEnvAsAFailedSetup) {
  JobOrder invalid = order("echo never");
  invalid.runtime_env = {{"env_vars", 5}};
  start(invalid);
  const RunState ended = wait_for(RunPhase::ended);
  EXPECT_EQ(ended.outcome, Outcome::setup_failed);
  EXPECT_THAT(ended.error, HasSubstr("env_vars"));
}

TEST_F(SupervisorTest, AppliesTheLimitsOfTheRuntimeEnv) {
  JobOrder limited = order("ulimit -n; for i in 1 2 3 4 5 6; do sleep 1000 & done; wait");
  limited.runtime_env = {{"config", {{"max_open_files", 123}, {"max_processes", 3}}}};
  start(limited);
  const RunState ended = wait_for(RunPhase::ended);
  EXPECT_EQ(ended.exit_code, -SIGKILL);
  EXPECT_THAT(log(), HasSubstr("\n123\n"));
  EXPECT_THAT(log(),
              HasSubstr("[rtenv: the job exceeded its limit of 3 processes and was ended]\n"));
}

TEST_F(SupervisorTest, StopsARunningJob) {
  start(order("trap 'echo stopping; exit 1' TERM; echo begun; while :; do sleep 0.01; done"));
  wait_for(RunPhase::running);
  wait_for_log("begun\n");
  send({{"stop", true}});
  EXPECT_EQ(wait_for(RunPhase::ended).outcome, Outcome::stopped);
  EXPECT_THAT(log(), HasSubstr("stopping\n"));
}

TEST_F(SupervisorTest, StopsAJobThatWaitsForResources) {
  JobOrder waiting = order("echo never");
  waiting.start.reset();
  start(waiting);
  wait_for(RunPhase::ready);
  send({{"stop", true}});
  EXPECT_EQ(wait_for(RunPhase::ended).outcome, Outcome::stopped);
  EXPECT_EQ(log(), "");
}

TEST_F(SupervisorTest, WritesItsOwnWarningsToTheLog) {
  // A folder in the place of the state file: the end can't be written.
  // The supervisor writes it once more when the entrypoint has started.
  start(
      order(fmt::format("until grep -q '\"entrypoint_pid\":[1-9]' {0}; do sleep 0.01; done; "
                        "rm {0}; mkdir -p {0}/in-the-way",
                        folder_.state().native())));
  EXPECT_EQ(wait_for(RunPhase::ended).exit_code, 0) << "the server learns of the end nevertheless";
  EXPECT_THAT(log(), HasSubstr("\n[rtenv: warning: cannot "));
  EXPECT_THAT(log(), HasSubstr(folder_.state().native()));
}

TEST_F(SupervisorTest, WritesWarningsOfOtherLayersToTheLog) {
  options_.open_cache = [root = dir_.path() / "cache"] {
    log::warn("the cache is nearly full");
    return cache::Cache::open(root);
  };
  JobOrder prepared = order("echo hi");
  prepared.runtime_env = {{"env_vars", {{"A", "b"}}}};
  start(prepared);
  wait_for(RunPhase::ended);
  EXPECT_THAT(log(), HasSubstr("\nrtenv: warning: the cache is nearly full\n"));
}

TEST_F(SupervisorTest, NeverRunsAJobTwice) {
  RunState before;
  before.phase = RunPhase::running;
  must(folder_.write_state(before));
  start(order("echo again"));
  EXPECT_EQ(WEXITSTATUS(wait_for_exit()), 0);
  EXPECT_EQ(log(), "");
  EXPECT_EQ(must(folder_.read_state())->phase, RunPhase::running);
}

TEST_F(SupervisorTest, NeverRunsAJobWhoseStateCannotBeRead) {
  std::ofstream(folder_.state()) << "garbage";
  start(order("echo again"));
  EXPECT_EQ(WEXITSTATUS(wait_for_exit()), 1);
  EXPECT_FALSE(std::filesystem::exists(folder_.log()));
}

TEST_F(SupervisorTest, StartsNothingIfThatCannotBeWritten) {
  start([&] {
    JobOrder waiting = order("echo begun");
    waiting.start.reset();
    return waiting;
  }());
  wait_for(RunPhase::ready);
  must(remove_tree(folder_.state()));
  must(make_directories(folder_.state() / "full"));  // it can't be replaced
  send({{"start", {{"gpus", json::array()}}}});
  const RunState ended = wait_for(RunPhase::ended);
  EXPECT_EQ(ended.outcome, Outcome::start_failed);
  EXPECT_THAT(ended.error, HasSubstr("state"));
  EXPECT_THAT(log(), testing::Not(HasSubstr("begun\nbegun")));
  EXPECT_EQ(ended.entrypoint_pid, 0);
}

// Its state was written although writing failed; then it can't be written for a moment.
TEST_F(SupervisorTest, AStartThatFailedAfterItWasWrittenIsTakenBack) {
  fault_hook = [](const char* point) {
    static int begun = 0;
    if (point == std::string_view("state.begun")) return ++begun == 2 ? ENOSPC : 0;
    return point == std::string_view("state.written") && begun == 1 ? ENOSPC : 0;
  };
  start(order("echo begun"));
  fault_hook = nullptr;
  EXPECT_EQ(wait_for(RunPhase::ended).outcome, Outcome::not_begun);
  EXPECT_EQ(must(folder_.read_state())->phase, RunPhase::running) << "not yet";
  EXPECT_EQ(WEXITSTATUS(wait_for_exit()), 0);
  EXPECT_EQ(must(folder_.read_state())->outcome, Outcome::not_begun);
}

TEST_F(SupervisorTest, EndsIfTheServerDisconnectsBeforeTheOrder) {
  auto sockets = must(make_socket_pair());
  sockets.ours.reset();
  guardian_ = ::fork();
  if (guardian_ == 0) {
    const Fd null(::open("/dev/null", O_WRONLY));
    ::dup2(null.get(), STDERR_FILENO);
    ::_exit(supervise(options_, folder_.path, std::move(sockets.theirs), Fd()));
  }
  EXPECT_EQ(WEXITSTATUS(wait_for_exit()), 1);
  EXPECT_FALSE(must(folder_.read_state()).has_value());
}

TEST_F(SupervisorTest, TheGuardianRecordsTheDeathOfTheSupervisor) {
  start(order("setsid -f sleep 1000; echo begun; sleep 1000"));
  const RunState running = wait_for(RunPhase::running);
  wait_for_log("begun\n");
  ::kill(running.supervisor_pid, SIGKILL);
  wait_until_closed();
  EXPECT_EQ(WEXITSTATUS(wait_for_exit()), 1);
  EXPECT_EQ(must(folder_.read_state())->phase, RunPhase::ended);
  EXPECT_EQ(must(folder_.read_state())->outcome, Outcome::died);
  EXPECT_EQ(::kill(running.entrypoint_pid, 0), -1) << "its processes were ended";
}

TEST_F(SupervisorTest, TheSupervisorRecordsTheDeathOfTheGuardian) {
  start(order("setsid -f sleep 1000; echo begun; sleep 1000"));
  const RunState running = wait_for(RunPhase::running);
  wait_for_log("begun\n");
  ::kill(guardian_, SIGKILL);
  EXPECT_EQ(wait_for(RunPhase::ended).outcome, Outcome::died);
  wait_until_closed();
  EXPECT_EQ(must(folder_.read_state())->outcome, Outcome::died);
  EXPECT_EQ(::kill(running.entrypoint_pid, 0), -1) << "its processes were ended";
}

TEST_F(SupervisorTest, TheDeathOfTheGuardianCancelsTheSetup) {
  options_.open_cache = [root = dir_.path() / "cache"] {
    ::usleep(300'000);
    return cache::Cache::open(root);
  };
  JobOrder prepared = order("echo never");
  prepared.runtime_env = {{"env_vars", {{"A", "b"}}}};
  start(prepared);
  wait_for(RunPhase::preparing);
  ::kill(guardian_, SIGKILL);
  EXPECT_EQ(wait_for(RunPhase::ended).outcome, Outcome::died);
  EXPECT_THAT(log(), testing::Not(HasSubstr("never")));
}

}  // namespace
}  // namespace rtenv::job
