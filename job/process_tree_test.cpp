#include "job/process_tree.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/file.hpp"
#include "base/process.hpp"
#include "base/process_stat.hpp"
#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::job {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;
using testing::SizeIs;

class ProcessTreeTest : public testing::Test {
 protected:
  void SetUp() override { must(become_reaper()); }
  void TearDown() override { kill_descendants(); }

  static pid_t start(std::string script, Environment environment = Environment::of_process()) {
    auto child = must(ChildProcess::spawn(
        {.argv = {"sh", "-c", std::move(script)}, .environment = std::move(environment)}));
    const pid_t pid = child.pid();
    child.detach();
    return pid;
  }
  // Tests run at the same time.
  static std::string mark() { return fmt::format("process-tree-test-{}", ::getpid()); }
  // The programs that this process's descendants run, sorted.
  static std::vector<std::string> programs() {
    std::vector<std::string> names;
    for (const pid_t pid : descendants())
      if (auto name = read_file(fmt::format("/proc/{}/comm", pid))) names.push_back(*name);
    std::ranges::sort(names);
    return names;
  }
  // A count alone would also be true of programs that are still being started.
  static void wait_for_programs(const std::vector<std::string>& expected) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (programs() != expected && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(1ms);
    ASSERT_EQ(programs(), expected);
  }
  // Reaps until no child is left.
  static std::vector<Reaped> reap_all() {
    std::vector<Reaped> all;
    while (reap([&](const Reaped& reaped) { all.push_back(reaped); }))
      std::this_thread::sleep_for(1ms);
    return all;
  }
};

TEST_F(ProcessTreeTest, KillsAProcessWhoseMainThreadHasEnded) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    std::thread([] { ::pause(); }).detach();
    ::syscall(SYS_exit, 0);
  }
  const auto has_ended = [&] {
    return must(read_file(fmt::format("/proc/{}/stat", pid))).find(") Z ") != std::string::npos;
  };
  while (!has_ended()) std::this_thread::sleep_for(1ms);
  EXPECT_THAT(descendants(), testing::ElementsAre(pid));
  kill_descendants();
  EXPECT_THAT(descendants(), IsEmpty());
}

TEST_F(ProcessTreeTest, FindsOrphansInOtherSessions) {
  start("setsid -f sleep 1000; exec sleep 1000");
  wait_for_programs({"sleep\n", "sleep\n"});
}

TEST_F(ProcessTreeTest, KillsAndReapsAllDescendants) {
  start("trap '' TERM; setsid -f sleep 1000; sleep 1000 & sleep 1000");
  wait_for_programs({"sh\n", "sleep\n", "sleep\n", "sleep\n"});
  kill_descendants();
  EXPECT_THAT(descendants(), IsEmpty());
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "no zombies are left";
}

TEST_F(ProcessTreeTest, SignalsAllDescendantsButTheSparedOne) {
  const pid_t spared = start("exec sleep 1000");
  start("exec sleep 1000");
  wait_for_programs({"sleep\n", "sleep\n"});
  signal_descendants(SIGTERM, spared);
  wait_for_programs({"sleep\n"});
  EXPECT_THAT(descendants(), testing::ElementsAre(spared));
}

// As the first process of a sandbox becomes the parent of what the shell leaves behind.
TEST_F(ProcessTreeTest, SignalsProcessesThatGetAnotherParentMeanwhile) {
  constexpr std::size_t k_programs = 200;
  const pid_t reaper = ::fork();
  if (reaper == 0) {
    must(become_reaper());
    ::signal(SIGTERM, SIG_IGN);
    if (::fork() == 0) {
      ::signal(SIGTERM, SIG_DFL);
      ::execlp("sh", "sh", "-c", "for i in $(seq 200); do sleep 1000 & done; wait", nullptr);
    }
    for (;;) ::wait(nullptr);
  }
  const auto sleepers = [] { return std::ranges::count(programs(), "sleep\n"); };
  while (sleepers() < std::ptrdiff_t{k_programs}) std::this_thread::sleep_for(1ms);
  signal_descendants(SIGTERM);
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  while (descendants().size() > 1 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(1ms);
  EXPECT_THAT(descendants(), testing::ElementsAre(reaper));
}

TEST_F(ProcessTreeTest, ReapReturnsTheStatus) {
  const pid_t pid = start("exit 5");
  const auto reaped = reap_all();
  ASSERT_THAT(reaped, SizeIs(1));
  EXPECT_EQ(reaped.front().pid, pid);
  EXPECT_EQ(WEXITSTATUS(reaped.front().status), 5);
}

TEST_F(ProcessTreeTest, KillsProcessesByEnvironmentVariable) {
  Environment marked = Environment::of_process();
  marked.set("RTENV_RUN", mark());
  Environment similar = Environment::of_process();
  similar.set("RTENV_RUN", mark() + "-2");
  const pid_t pid = start("exec sleep 1000", marked);
  const pid_t other = start("exec sleep 1000", similar);
  wait_for_programs({"sleep\n", "sleep\n"});
  EXPECT_TRUE(has_marked("RTENV_RUN=" + mark().substr(0, mark().size() - 1)));
  EXPECT_FALSE(has_marked("RTENV_RUN=other-"));
  EXPECT_TRUE(kill_marked({.variable = "RTENV_RUN=" + mark()}, 10s));
  EXPECT_THAT(descendants(), testing::ElementsAre(other));
  EXPECT_THAT(descendants(), testing::Not(testing::Contains(pid)));
}

TEST_F(ProcessTreeTest, KillsTheProcessesOfASession) {
  auto leader = must(ChildProcess::spawn(
      {.argv = {"sh", "-c", "env -i sleep 1000 & exec env -i sleep 1000"}, .own_session = true}));
  const pid_t other = start("exec sleep 1000");
  wait_for_programs({"sleep\n", "sleep\n", "sleep\n"});
  const auto start_ticks = process_stat(leader.pid())->start_ticks;
  ProcessMarks marks{.variable = "RTENV_RUN=" + mark(),
                     .session = leader.pid(),
                     .session_start_ticks = start_ticks - 1};
  EXPECT_TRUE(kill_marked(marks, 10s));
  EXPECT_THAT(descendants(), SizeIs(3)) << "it was another process's id";
  marks.session_start_ticks = start_ticks;
  EXPECT_TRUE(kill_marked(marks, 10s));
  EXPECT_THAT(descendants(), testing::ElementsAre(other));
}

// While a process exits, it has no environment any more, but still its files.
TEST_F(ProcessTreeTest, WaitsUntilMarkedProcessesHaveClosedTheirFiles) {
  const TempDir folder = must(TempDir::create());
  const Path file = folder.path() / "locked";
  const Fd lock = must(open_file(file, O_RDWR | O_CREAT, 0600));
  Environment marked = Environment::of_process();
  marked.set("RTENV_RUN", mark());
  marked.set("LOCKED", file.native());
  // Freeing much memory takes a while. The kernel's order of closing isn't specified.
  start(R"(exec python3 -c '
import fcntl, os, time

def open_much_memory():
    os.posix_fallocate(os.memfd_create("much"), 0, 256 << 20)

open_much_memory()
lock = open(os.environ["LOCKED"])
open_much_memory()
fcntl.flock(lock, fcntl.LOCK_EX)
time.sleep(1000)')",
        marked);
  const auto is_locked = [&] {
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return true;
    ::flock(lock.get(), LOCK_UN);
    return false;
  };
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (!is_locked() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(10ms);
  ASSERT_TRUE(is_locked());
  EXPECT_TRUE(kill_marked({.variable = "RTENV_RUN=" + mark()}, 30s));
  EXPECT_FALSE(is_locked());
}

}  // namespace
}  // namespace rtenv::job
