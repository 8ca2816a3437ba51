// A server in a process that does other things, too: with real jobs, by the built rtenv-supervisor.
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <atomic>
#include <fstream>
#include <memory>

#include "base/fault_point.hpp"
#include "base/file.hpp"
#include "base/process_handle.hpp"
#include "server/job_state.hpp"
#include "server/memory_job_store.hpp"
#include "server/server_fixture.hpp"
#include "support/own_process.hpp"

namespace rtenv::server {
namespace {

// The signal's action while it exists.
class ActionOf {
 public:
  ActionOf(int number, sighandler_t action)
      : number_(number), previous_(::signal(number, action)) {}
  ~ActionOf() { ::signal(number_, previous_); }
  ActionOf(const ActionOf&) = delete;
  ActionOf& operator=(const ActionOf&) = delete;

 private:
  int number_;
  sighandler_t previous_;
};

// Neither running ones nor zombies. Reaps none.
bool has_no_children() {
  siginfo_t ignored{};
  return ::waitid(P_ALL, 0, &ignored, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
}

class EmbeddingTest : public testing::Test {
 protected:
  ~EmbeddingTest() override {
    for (const pid_t pid : supervisors()) ::kill(pid, SIGKILL);
    // Those that ended after their server are zombies.
    eventually([] {
      while (::waitpid(-1, nullptr, WNOHANG) > 0) continue;
      return has_no_children();
    });
  }

  [[nodiscard]] Server start() const { return must(Server::start(options(folder_.path()))); }
  static ServerOptions options(const Path& folder) {
    ServerOptions options = options_in(folder);
    options.manager.supervisor_program = RTENV_SUPERVISOR;
    return options;
  }
  static std::string submit(const Server& server, const std::string& entrypoint) {
    const auto answer =
        ask(server, "POST", "/api/jobs/", nlohmann::json{{"entrypoint", entrypoint}}.dump());
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.json().value("submission_id", "");
  }
  static std::string status(const Server& server, const std::string& job) {
    return ask(server, "GET", "/api/jobs/" + job).json().value("status", "");
  }
  static bool becomes(const Server& server, const std::string& job, const std::string& expected) {
    return eventually([&] { return status(server, job) == expected; });
  }
  static std::string logs(const Server& server, const std::string& job) {
    return ask(server, "GET", "/api/jobs/" + job + "/logs").json().value("logs", "");
  }

  // Supervisors and guardians of this test's jobs.
  [[nodiscard]] std::vector<pid_t> supervisors() const {
    const std::string mark = "supervise" + std::string(1, '\0') + folder_.path().native();
    std::vector<pid_t> found;
    for_each_process([&](pid_t pid) {
      const auto command = read_file(fmt::format("/proc/{}/cmdline", pid));  // unless it has ended
      if (command && command->find(mark) != std::string::npos) found.push_back(pid);
    });
    return found;
  }
  [[nodiscard]] bool all_supervisors_end() const {
    return eventually([&] { return supervisors().empty(); });
  }

  TempDir folder_ = must(TempDir::create());
};

TEST_F(EmbeddingTest, ServersRunTheirOwnJobs) {
  const TempDir other_folder = must(TempDir::create());
  const auto first = start();
  const auto second = must(Server::start(options(other_folder.path())));
  const std::string job = submit(first, "echo from the first");
  const std::string other = submit(second, "echo from the second");
  EXPECT_TRUE(becomes(first, job, "SUCCEEDED"));
  EXPECT_TRUE(becomes(second, other, "SUCCEEDED"));
  EXPECT_THAT(logs(first, job), testing::HasSubstr("from the first"));
  EXPECT_THAT(logs(second, other), testing::HasSubstr("from the second"));
  EXPECT_EQ(ask(first, "GET", "/api/jobs/" + other).status, 404);
}

TEST_F(EmbeddingTest, SupervisorsDoNotKeepTheCurrentFolder) {
  const auto server = start();
  const std::string job = submit(server, "pwd; sleep 60");
  EXPECT_TRUE(becomes(server, job, "RUNNING"));
  EXPECT_TRUE(eventually([&] { return supervisors().size() == 2; }));
  for (const pid_t pid : supervisors())
    EXPECT_EQ(std::filesystem::read_symlink(fmt::format("/proc/{}/cwd", pid)), "/");
  const std::string here = std::filesystem::current_path().native();
  EXPECT_TRUE(eventually([&] { return logs(server, job).find(here + "\n") != std::string::npos; }))
      << "a job without a working_dir begins where the server does";
  ask(server, "POST", "/api/jobs/" + job + "/stop?now=1");
  EXPECT_TRUE(becomes(server, job, "STOPPED"));
}

TEST_F(EmbeddingTest, AJobWhoseSupervisorHangsCanBeStopped) {
  ServerOptions impatient = options(folder_.path());
  impatient.manager.longest_silence = std::chrono::milliseconds(300);
  const auto server = must(Server::start(std::move(impatient)));
  const Path begun = folder_.path() / "begun";
  const std::string job = submit(
      server, fmt::format("echo $$ >{0}.new; mv {0}.new {0}; exec sleep 60", begun.native()));
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(begun); }));
  const pid_t process = std::stoi(must(read_file(begun)));
  for (const pid_t pid : supervisors()) ::kill(pid, SIGSTOP);
  EXPECT_EQ(ask(server, "POST", "/api/jobs/" + job + "/stop").status, 200);
  EXPECT_TRUE(becomes(server, job, "STOPPED"));
  EXPECT_THAT(ask(server, "GET", "/api/jobs/" + job).json().value("message", ""),
              testing::HasSubstr("didn't answer"));
  EXPECT_TRUE(eventually([&] { return ::kill(process, 0) != 0; })) << "its process goes on";
  EXPECT_TRUE(all_supervisors_end());
}

TEST_F(EmbeddingTest, AStoppedJobMayTakeLongerThanAHungSupervisorMay) {
  ServerOptions impatient = options(folder_.path());
  impatient.manager.longest_silence = std::chrono::milliseconds(500);
  const auto server = must(Server::start(std::move(impatient)));
  const std::string job = submit(server,
                                 "trap 'sleep 1.5; echo in order; exit' TERM; echo begun; "
                                 "while :; do sleep 0.01; done");
  EXPECT_TRUE(eventually([&] { return logs(server, job).find("begun\n") != std::string::npos; }));
  EXPECT_EQ(ask(server, "POST", "/api/jobs/" + job + "/stop").status, 200);
  EXPECT_TRUE(becomes(server, job, "STOPPED"));
  EXPECT_THAT(logs(server, job), testing::HasSubstr("in order"));
}

TEST_F(EmbeddingTest, AJobOutlivesTheServerThatStartedIt) {
  const Path go_on = folder_.path() / "go-on";
  std::string job;
  {
    auto server = start();
    job = submit(server, fmt::format("echo begun; until [ -e {} ]; do sleep 0.01; done; echo ended",
                                     go_on.native()));
    EXPECT_TRUE(becomes(server, job, "RUNNING"));
    EXPECT_THAT(server.stop(), IsOk());
  }
  EXPECT_EQ(supervisors().size(), 2U) << "it isn't bound to the thread that started it";
  const auto server = start();
  EXPECT_EQ(status(server, job), "RUNNING") << "as it was stored";
  EXPECT_TRUE(eventually([&] {
    return ask(server, "GET", "/api/rtenv/jobs/" + job).json().value("phase", "") == "running";
  })) << "as its supervisor says";
  std::ofstream(go_on) << "";
  EXPECT_TRUE(becomes(server, job, "SUCCEEDED"));
  EXPECT_THAT(logs(server, job), testing::HasSubstr("begun\nended"));
  EXPECT_TRUE(eventually(has_no_children))
      << "the server that took it over reaps the child of the one before";
}

TEST_F(EmbeddingTest, WorksWhereTheKernelReapsChildren) {
  const ActionOf ignored(SIGCHLD, SIG_IGN);
  const auto server = start();
  const std::string job = submit(server, "sleep 0.1; echo done");
  EXPECT_TRUE(becomes(server, job, "SUCCEEDED"));
  EXPECT_TRUE(becomes(server, submit(server, "exit 3"), "FAILED"));
}

TEST_F(EmbeddingTest, WorksWhereAnotherThreadReapsAllChildren) {
  std::atomic<bool> ends = false;
  std::jthread reaper([&] {
    while (!ends)
      if (::waitpid(-1, nullptr, WNOHANG) <= 0) std::this_thread::yield();
  });
  {
    const auto server = start();
    for (int i = 0; i < 5; ++i)
      EXPECT_TRUE(becomes(server, submit(server, "echo done"), "SUCCEEDED"));
    EXPECT_TRUE(becomes(server, submit(server, "exit 3"), "FAILED"));
  }
  EXPECT_TRUE(all_supervisors_end());
  ends = true;
}

TEST_F(EmbeddingTest, ReapsItsOwnChildren) {
  const auto server = start();
  EXPECT_TRUE(becomes(server, submit(server, "echo done"), "SUCCEEDED"));
  EXPECT_TRUE(eventually(has_no_children)) << "a zombie";
}

TEST_F(EmbeddingTest, SurvivesClientsAndSupervisorsThatVanish) {
  const ActionOf by_default(SIGPIPE, SIG_DFL);
  const auto server = start();
  const std::string job = submit(server, "while :; do echo a line of output; done");
  EXPECT_TRUE(becomes(server, job, "RUNNING"));
  for (int i = 0; i < 20; ++i) {
    const Fd client = connect_to_server(server);
    const std::string request =
        i % 2 == 0 ? fmt::format("GET /api/jobs/{}/logs HTTP/1.1\r\nHost: localhost\r\n\r\n", job)
                   : fmt::format(
                         "GET /api/jobs/{}/logs/tail HTTP/1.1\r\nHost: localhost\r\n"
                         "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                         "Sec-WebSocket-Version: 13\r\n"
                         "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
                         job);
    ASSERT_GT(::send(client.get(), request.data(), request.size(), MSG_NOSIGNAL), 0);
    char first = 0;
    ASSERT_EQ(::recv(client.get(), &first, 1, 0), 1);
    const linger reset{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  }
  for (const pid_t pid : supervisors()) ::kill(pid, SIGKILL);
  ask(server, "POST", "/api/jobs/" + job + "/stop");
  EXPECT_TRUE(eventually([&] {
    const std::string now = status(server, job);
    return now == "FAILED" || now == "STOPPED";
  }));
  EXPECT_EQ(ask(server, "GET", "/api/version").status, 200);
}

TEST_F(EmbeddingTest, KeepsItsJobsWhereTheProgramWants) {
  const auto jobs = std::make_shared<StoredJobs>();
  const auto start_with_store = [&] {
    ServerOptions with_store = options(folder_.path());
    with_store.manager.open_store = MemoryJobStore::factory(jobs);
    return must(Server::start(std::move(with_store)));
  };
  const Path go_on = folder_.path() / "go-on";
  std::string job;
  std::string running;
  {
    const auto server = start_with_store();
    job = submit(server, "echo done");
    EXPECT_TRUE(becomes(server, job, "SUCCEEDED"));
    running = submit(server, fmt::format("until [ -e {} ]; do sleep 0.01; done", go_on.native()));
    EXPECT_TRUE(becomes(server, running, "RUNNING"));
  }
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "state/jobs.db"));
  const auto server = start_with_store();
  EXPECT_EQ(ask(server, "GET", "/api/jobs/").json().size(), 2U);
  EXPECT_THAT(logs(server, job), testing::HasSubstr("done"));
  std::ofstream(go_on) << "";
  EXPECT_TRUE(becomes(server, running, "SUCCEEDED"));
  EXPECT_TRUE(eventually([&] { return ask(server, "DELETE", "/api/jobs/" + job).status == 200; }));
  EXPECT_EQ(ask(server, "GET", "/api/jobs/" + job).status, 404);
}

TEST_F(EmbeddingTest, AServerGoesOnAfterItsCacheWasRemoved) {
  const auto server = start();
  const std::string package = "/api/packages/gcs/_ray_pkg_0123456789abcdef.zip";
  EXPECT_EQ(ask(server, "GET", package).status, 404);
  std::filesystem::remove_all(folder_.path() / "cache");
  EXPECT_EQ(ask(server, "GET", package).status, 404);
}

TEST_F(EmbeddingTest, AStoreThatCannotBeOpenedIsAnErrorOfTheStart) {
  const auto start_with = [&](OpenJobStore open) {
    ServerOptions with_store = options(folder_.path());
    with_store.manager.open_store = std::move(open);
    return Server::start(std::move(with_store));
  };
  EXPECT_THAT(start_with([](const Path&) { return fail(Errc::unavailable, "no database"); }),
              IsError(Errc::unavailable, "no database"));
  EXPECT_THAT(start_with([](const Path&) -> Result<std::unique_ptr<JobStore>> {
                throw std::runtime_error("of the host");
              }),
              IsError(Errc::internal, "of the host"));
}

// Throws where a job has just been started.
template <class Exception>
int throw_once(const char* point) {
  if (std::string_view(point) != "order.sent") return 0;
  fault_hook = nullptr;
  throw Exception("as if");
}

TEST_F(EmbeddingTest, AnExceptionDoesNotEndTheServer) {
  fault_hook = throw_once<std::runtime_error>;
  auto server = start();
  submit(server, "true");
  EXPECT_TRUE(eventually([] { return fault_hook == nullptr; }));
  EXPECT_TRUE(becomes(server, submit(server, "true"), "SUCCEEDED"));
  EXPECT_THAT(server.stop(), IsOk());
}

TEST_F(EmbeddingTest, ABugEndsTheServerInOrderAndTheNextOneGoesOn) {
  fault_hook = throw_once<WrongTransition>;
  auto server = start();
  const std::string job = submit(server, "echo done");
  pollfd end{.fd = server.poll_fd(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&end, 1, 30'000), 1);
  EXPECT_THAT(server.wait(), IsError(Errc::internal, "as if"));
  EXPECT_THAT(server.stop(), IsError(Errc::internal)) << "the same again";
  server = start();
  EXPECT_TRUE(becomes(server, job, "SUCCEEDED"));
}

TEST_F(EmbeddingTest, LeavesNothingOpen) {
  const auto run_one = [&] {
    auto server = start();
    EXPECT_TRUE(becomes(server, submit(server, "echo done"), "SUCCEEDED"));
    EXPECT_THAT(server.stop(), IsOk());
  };
  run_one();  // what libraries open once
  const auto fds = count_descriptors();
  const auto threads = count_threads();
  run_one();
  EXPECT_EQ(count_descriptors(), fds);
  EXPECT_EQ(count_threads(), threads);
}

}  // namespace
}  // namespace rtenv::server
