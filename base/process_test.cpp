#include "base/process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/lock_file.hpp"
#include "base/pipe.hpp"
#include "support/in_fork.hpp"
#include "support/tree_builder.hpp"

namespace rtenv {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

SpawnOptions shell(std::string script) {
  return {.argv = {"sh", "-c", std::move(script)}, .environment = Environment::of_process()};
}

std::chrono::steady_clock::time_point in(std::chrono::milliseconds delay) {
  return std::chrono::steady_clock::now() + delay;
}

TEST(Process, CapturesStdoutAndStderrInOrderAndTheExitCode) {
  const auto run = must(run_captured(shell("echo out; echo err >&2; echo out again; exit 3")));
  EXPECT_EQ(run.output, "out\nerr\nout again\n");
  EXPECT_EQ(run.state.exit_code, 3);
  EXPECT_EQ(run.state.shell_status(), 3);
  EXPECT_FALSE(run.state.succeeded());
}

TEST(Process, ReportsTheSignalThatKilledTheProcess) {
  const auto run = must(run_captured(shell("kill -TERM $$")));
  EXPECT_EQ(run.state.signal, SIGTERM);
  EXPECT_EQ(run.state.shell_status(), 128 + SIGTERM);
  EXPECT_THAT(run.state.describe(), HasSubstr("signal 15"));
}

TEST(Process, HasOnlyTheGivenEnvironmentAndWorkingDirectory) {
  TreeBuilder tree;
  SpawnOptions options{
      .argv = {"/bin/sh", "-c", "pwd; env | grep -v -e ^PWD -e ^_ -e ^SHLVL -e ^OLDPWD | sort"},
      .working_dir = tree.root()};
  options.environment.set("ONLY", "this");
  options.environment.set("PATH", "/usr/bin:/bin");
  const auto run = must(run_captured(options));
  EXPECT_EQ(run.output,
            std::filesystem::canonical(tree.root()).native() + "\nONLY=this\nPATH=/usr/bin:/bin\n");
}

TEST(Process, SearchesThePathOfTheGivenEnvironment) {
  TreeBuilder tree;
  tree.file("bin/hello", "#!/bin/sh\necho from here\n", 0755).file("bin/data", "x", 0644);
  SpawnOptions options{.argv = {"hello"}};
  options.environment.set("PATH", (tree / "bin").native());
  EXPECT_EQ(must(run_captured(options)).output, "from here\n");
  options.argv = {"data"};
  EXPECT_THAT(run_captured(options), IsError(Errc::permission_denied, "isn't executable"));
  options.argv = {"sh"};
  EXPECT_THAT(run_captured(options), IsError(Errc::not_found, "'sh' isn't in PATH"));
}

TEST(Process, ResolvesARelativeProgramPathAgainstTheWorkingDirectory) {
  TreeBuilder tree;
  tree.file("bin/hello", "#!/bin/sh\necho from here\n", 0755);
  SpawnOptions options = shell("");
  options.argv = {"./bin/hello"};
  options.working_dir = tree.root();
  EXPECT_EQ(must(run_captured(options)).output, "from here\n");
}

TEST(Process, AMissingProgramOrWorkingDirectoryIsAnError) {
  SpawnOptions options = shell("true");
  options.argv = {"/no/such/program"};
  EXPECT_THAT(run_captured(options), IsError(Errc::not_found, "/no/such/program"));
  options = shell("true");
  options.working_dir = "/no/such/folder";
  EXPECT_THAT(run_captured(options), IsError(Errc::not_found, "/no/such/folder"));
}

TEST(Process, TheDeadlineKillsTheWholeGroup) {
  TreeBuilder tree;
  const std::string pid_file = (tree / "pid").native();
  const auto run = must(
      run_captured(shell("sleep 100 & echo $! > " + pid_file + "; wait"), {.deadline = in(300ms)}));
  EXPECT_TRUE(run.timed_out);
  EXPECT_EQ(run.state.signal, SIGKILL);
  const pid_t grandchild = std::stoi(content_of(pid_file));
  for (int i = 0; i < 200 && ::kill(grandchild, 0) == 0; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_NE(::kill(grandchild, 0), 0) << "the grandchild is still running";
}

TEST(Process, CancellationKillsTheProcessAndIsAnError) {
  const auto cancellation = must(Cancellation::create());
  std::jthread canceller([&] {
    std::this_thread::sleep_for(50ms);
    cancellation.request();
  });
  EXPECT_THAT(run_captured(shell("trap '' TERM; sleep 100"), {.cancellation = &cancellation}),
              IsError(Errc::cancelled));
}

TEST(Process, KeepsTheEndOfLongOutput) {
  const auto run = must(run_captured(shell("seq 1 100000; echo last"), {.max_output_bytes = 1000}));
  EXPECT_EQ(run.output.size(), 1000U);
  EXPECT_THAT(run.output, HasSubstr("100000\nlast\n"));
}

TEST(Process, DoesNotWaitForABackgroundProcessWithTheOutputOpen) {
  const auto begin = std::chrono::steady_clock::now();
  const auto run = must(run_captured(shell("setsid sleep 100 & echo $!")));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 50s);
  EXPECT_EQ(::kill(std::stoi(run.output), SIGKILL), 0) << "it runs on, until now";
}

TEST(Process, ChildHoldsAnInheritedLockAfterTheParentReleasesIt) {
  TreeBuilder tree;
  auto lock = must(LockFile::try_acquire(tree / "lock"));
  SpawnOptions options = shell("exec sleep 100");
  options.keep_fds = {lock->fd().get()};
  {
    auto child = must(ChildProcess::spawn(options));
    lock.reset();
    EXPECT_FALSE(must(LockFile::try_acquire(tree / "lock"))) << "the child holds it";
  }
  // Released when the child, which was killed, has ended.
  EXPECT_THAT(LockFile::acquire(tree / "lock", {}), IsOk());
}

// Linux before 6.15 forgets how a process ended when it is reaped.
bool kernel_remembers_reaped() {
  utsname names{};
  int major = 0;
  int minor = 0;
  return ::uname(&names) == 0 && std::sscanf(names.release, "%d.%d", &major, &minor) == 2 &&
         std::pair(major, minor) >= std::pair(6, 15);
}

// Runs processes that another reaps.
void expect_right_ends() {
  for (int i = 0; i < 20; ++i) {
    const auto run = run_captured(shell("echo out; exit 3"));
    const auto killed = run_captured(shell("kill -9 $$"));
    if (!kernel_remembers_reaped() && !(run && killed)) {
      EXPECT_THAT(run ? killed : run, IsError(Errc::internal, "isn't known"));
      continue;
    }
    ASSERT_THAT(run, IsOk());
    EXPECT_EQ(run->output, "out\n");
    EXPECT_EQ(run->state.exit_code, 3);
    ASSERT_THAT(killed, IsOk());
    EXPECT_EQ(killed->state.signal, SIGKILL);
  }
}

TEST(Process, EndsAsItDidAlsoIfSigchldIsIgnored) {
  const auto previous = ::signal(SIGCHLD, SIG_IGN);
  expect_right_ends();
  EXPECT_THAT(run_captured({.argv = {"/no/such/program"}}), IsError(Errc::not_found));
  ::signal(SIGCHLD, previous);
}

TEST(Process, EndsAsItDidAlsoIfAThreadReapsAllChildren) {
  std::atomic<bool> stop = false;
  std::thread thief([&] {
    while (!stop)
      if (::waitpid(-1, nullptr, WNOHANG) <= 0) std::this_thread::yield();
  });
  expect_right_ends();
  stop = true;
  thief.join();
}

TEST(Process, LeavesNoZombieWhenItIsDestroyed) {
  pid_t pid = 0;
  {
    const auto child = must(ChildProcess::spawn(shell("sleep 600")));
    pid = child.pid();
  }
  EXPECT_NE(::kill(pid, 0), 0);
}

TEST(Process, DoesNotInheritIgnoredSignals) {
  std::uint64_t ours = 0;
  std::vector<std::pair<int, sighandler_t>> previous;
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGCHLD}) {
    previous.emplace_back(number, ::signal(number, SIG_IGN));
    ours |= std::uint64_t{1} << (number - 1);
  }
  const auto run = run_captured(shell("grep SigIgn: /proc/self/status | cut -f 2"));
  for (const auto& [number, action] : previous) ::signal(number, action);
  ASSERT_THAT(run, IsOk());
  EXPECT_EQ(std::stoull(run->output, nullptr, 16) & ours, 0U) << run->output;
}

TEST(Process, IsNotKilledByACopyOfItsObjectInAFork) {
  std::optional<ChildProcess> child = must(ChildProcess::spawn(shell("sleep 0.2; exit 5")));
  in_fork([&] { child.reset(); });
  EXPECT_EQ(must(child->wait()).exit_code, 5);
}

int g_write_end = -1;

TEST(Process, NeverRunsAHandlerOfTheParent) {
  auto pipe = must(Pipe::create());
  g_write_end = pipe.write_end.get();
  const auto previous =
      ::signal(SIGUSR1, [](int) { [[maybe_unused]] const auto n = ::write(g_write_end, "!", 1); });
  SpawnOptions options = shell("exit 0");
  options.prepare_child = []() -> const char* {
    ::raise(SIGUSR1);  // as if one arrived before exec
    return nullptr;
  };
  const auto spawned = ChildProcess::spawn(options);
  ::signal(SIGUSR1, previous);
  // The child ended before exec, by the signal.
  EXPECT_THAT(spawned, IsOk());
  pipe.write_end.reset();
  char byte = 0;
  EXPECT_EQ(::read(pipe.read_end.get(), &byte, 1), 0);
}

TEST(Process, GetsItsStandardStreamsAlsoIfTheyAreThoseOfTheParentInAnotherOrder) {
  // In a fork, which may close its own standard streams.
  in_fork([] {
    auto input = must(Pipe::create());
    auto output = must(Pipe::create());
    auto error = must(Pipe::create());
    ::write(input.write_end.get(), "in", 2);
    input.write_end.reset();
    ::dup2(output.write_end.get(), 2);  // swapped
    ::dup2(error.write_end.get(), 0);
    ::dup2(input.read_end.get(), 1);
    SpawnOptions options = shell("read line; echo \"out $line\"; echo err >&2");
    options.input_fd = 1;
    options.output_fd = 2;
    options.error_fd = 0;
    auto child = must(ChildProcess::spawn(options));
    const auto text = [](const Pipe& pipe) {
      std::string read(64, '\0');
      const auto count = ::read(pipe.read_end.get(), read.data(), read.size());
      read.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
      return read;
    };
    EXPECT_EQ(text(output), "out in\n");
    EXPECT_EQ(text(error), "err\n");
    EXPECT_EQ(must(child.wait()).exit_code, 0);
  });
}

TEST(Process, DoesNotInheritDescriptorsWithCloseOnExec) {
  TreeBuilder tree;
  const auto lock = must(LockFile::try_acquire(tree / "lock"));
  const auto run = must(run_captured(shell("ls -l /proc/self/fd")));
  EXPECT_THAT(run.output, testing::Not(HasSubstr(tree.root().native())));
}

TEST(Process, DoesNotInheritDescriptorsWithoutCloseOnExec) {
  const Fd without_cloexec(::open("/dev/null", O_RDONLY));  // as some libraries do
  const Fd kept(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const auto captured = must(run_captured({.argv = {"/bin/sh", "-c", "ls /proc/$$/fd"},
                                           .environment = Environment::of_process(),
                                           .keep_fds = {kept.get()}}));
  EXPECT_EQ(captured.output, fmt::format("0\n1\n2\n{}\n", kept.get()));
}

}  // namespace
}  // namespace rtenv
