#include "server/server.hpp"

#include <signal.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <fstream>
#include <memory>
#include <optional>

#include "server/server_fixture.hpp"
#include "support/in_fork.hpp"
#include "support/own_process.hpp"
#include "support/scarce_memory.hpp"

namespace rtenv::server {
namespace {

class ServerTest : public testing::Test {
 protected:
  [[nodiscard]] ServerOptions options() const { return options_in(folder_.path()); }
  static int version_status(const Server& server) {
    return ask(server, "GET", "/api/version").status;
  }
  TempDir folder_ = must(TempDir::create());
};

TEST_F(ServerTest, ServesUntilItIsStopped) {
  auto server = must(Server::start(options()));
  EXPECT_THAT(server.address(), testing::MatchesRegex("http://127.0.0.1:[1-9][0-9]+"));
  EXPECT_EQ(version_status(server), 200);
  EXPECT_THAT(server.stop(), IsOk());
  EXPECT_EQ(version_status(server), 0);
  // Everything may be called again.
  EXPECT_THAT(server.stop(), IsOk());
  EXPECT_THAT(server.wait(), IsOk());
  server.reload();
  server.request_stop();
}

TEST_F(ServerTest, SeveralServersRunAtATimeAndOneAfterTheOther) {
  const TempDir other_folder = must(TempDir::create());
  const auto other = must(Server::start(options_in(other_folder.path())));
  for (int i = 0; i < 3; ++i) {
    auto server = must(Server::start(options()));
    EXPECT_NE(server.address(), other.address());
    EXPECT_EQ(version_status(server), 200);
    EXPECT_EQ(version_status(other), 200);
    EXPECT_THAT(Server::start(options()), IsError(Errc::unavailable, "another"));
    EXPECT_THAT(server.stop(), IsOk());
  }
}

TEST_F(ServerTest, LeavesTheProcessAsItWas) {
  const auto state_of_process = [] {
    std::array<std::uintptr_t, 65> state{};
    for (int number = 1; number < 65; ++number) {
      struct sigaction action {};
      ::sigaction(number, nullptr, &action);
      state[static_cast<std::size_t>(number)] = reinterpret_cast<std::uintptr_t>(action.sa_handler);
    }
    sigset_t mask;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    for (int number = 1; number < 65; ++number)
      state[0] += ::sigismember(&mask, number) != 0 ? 1U : 0U;
    return state;
  };
  must(must(Server::start(options())).stop());  // what libraries open once
  const auto before = state_of_process();
  const auto fds = count_descriptors();
  const auto threads = count_threads();
  {
    auto server = must(Server::start(options()));
    EXPECT_EQ(version_status(server), 200);
    EXPECT_EQ(state_of_process(), before);
    EXPECT_THAT(server.stop(), IsOk());
    EXPECT_EQ(count_threads(), threads);
  }
  EXPECT_EQ(state_of_process(), before);
  EXPECT_EQ(count_descriptors(), fds);
}

TEST_F(ServerTest, AFailedStartLeavesNothing) {
  const Path socket = folder_.path() / "socket";
  const auto threads = count_threads();
  const auto fds = count_descriptors();
  const auto refused = [&](const ServerOptions& given, Errc code) {
    ServerOptions copy = options_in(folder_.path());
    copy.listen.unix_socket = socket;
    copy.token_file = given.token_file;
    copy.tls_certificate = given.tls_certificate;
    copy.manager = given.manager;
    EXPECT_THAT(Server::start(std::move(copy)), IsError(code));
    EXPECT_EQ(count_threads(), threads);
    EXPECT_EQ(count_descriptors(), fds);
    EXPECT_FALSE(std::filesystem::exists(socket));
  };
  ServerOptions wrong = options();
  wrong.token_file = folder_.path() / "missing";
  refused(wrong, Errc::not_found);
  wrong = options();
  wrong.tls_certificate = folder_.path() / "alone";
  refused(wrong, Errc::invalid_argument);
  wrong = options();
  wrong.manager.supervisor_program = folder_.path() / "missing";
  refused(wrong, Errc::not_found);
  wrong.manager.supervisor_program = "rtenv";
  refused(wrong, Errc::invalid_argument);
  wrong = options();
  std::ofstream(folder_.path() / "file") << "no folder";
  wrong.manager.state_dir = folder_.path() / "file" / "state";
  refused(wrong, Errc::invalid_argument);
  EXPECT_THAT(Server::start(options()), IsOk()) << "the state isn't locked";
}

TEST_F(ServerTest, TheDestructorStopsIt) {
  const auto threads = count_threads();
  { const auto server = must(Server::start(options())); }
  EXPECT_EQ(count_threads(), threads);
  auto first = must(Server::start(options()));
  const TempDir other_folder = must(TempDir::create());
  first = must(Server::start(options_in(other_folder.path())));
  EXPECT_THAT(Server::start(options()), IsOk()) << "the one that was replaced has ended";
  const Server second = std::move(first);
  EXPECT_EQ(version_status(second), 200);
  EXPECT_THAT(first.stop(), IsError(Errc::invalid_argument));
  EXPECT_EQ(first.address(), "");
}

TEST_F(ServerTest, AnyThreadStopsIt) {
  auto server = must(Server::start(options()));
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      server.reload();
      EXPECT_THAT(server.stop(), IsOk());
    });
}

TEST_F(ServerTest, AForkLeavesItAlone) {
  auto server = must(Server::start(options()));
  in_fork([&] {
    server.request_stop();
    EXPECT_THAT(server.wait(), IsError(Errc::invalid_argument, "forked"));
    const Server gone = std::move(server);
  });
  EXPECT_EQ(version_status(server), 200);
}

TEST_F(ServerTest, ReadsTheTokensAgain) {
  const Path file = folder_.path() / "token";
  const auto write = [&](const char* text) { std::ofstream(file) << text; };
  const auto admits = [](const Server& server, const std::string& token) {
    return ask(server, "GET", "/api/version", {}, "Authorization: Bearer " + token + "\r\n")
               .status == 200;
  };
  write("first");
  ServerOptions with_token = options();
  with_token.token_file = file;
  auto server = must(Server::start(std::move(with_token)));
  EXPECT_TRUE(admits(server, "first"));
  write("second");
  server.reload();
  EXPECT_TRUE(eventually([&] { return admits(server, "second"); }));
  EXPECT_FALSE(admits(server, "first"));
}

class OnlyAlice final : public Authenticator {
 public:
  std::variant<Caller, Refusal> authenticate(const Credentials& credentials) override {
    if (credentials.token == "alice's") return Caller{.name = "alice"};
    return Refusal{.message = "only alice"};
  }
};

TEST_F(ServerTest, AsksTheAuthenticatorThatItWasGiven) {
  ServerOptions with_own = options();
  with_own.authenticator = std::make_shared<OnlyAlice>();
  const auto server = must(Server::start(std::move(with_own)));
  const auto refused = ask(server, "GET", "/api/version");
  EXPECT_EQ(refused.status, 403) << "also to this user";
  EXPECT_EQ(refused.body, "only alice");
  EXPECT_EQ(ask(server, "GET", "/api/version", {}, "Authorization: Bearer alice's\r\n").status,
            200);
}

// Its caller's code may stop the server from one of its own callbacks.
class Stopping final : public Authenticator {
 public:
  std::function<void()> stop;
  std::variant<Caller, Refusal> authenticate(const Credentials& /*credentials*/) override {
    stop();
    return Caller{.name = "last"};
  }
};

TEST_F(ServerTest, OnItsOwnThreadStoppingDoesNotWait) {
  const auto stopping = std::make_shared<Stopping>();
  ServerOptions with_own = options();
  with_own.authenticator = stopping;
  auto server = must(Server::start(std::move(with_own)));
  std::atomic<bool> refused = false;
  stopping->stop = [&] {
    const auto stopped = server.stop();
    refused = !stopped && stopped.error().code() == Errc::invalid_argument;
  };
  EXPECT_EQ(version_status(server), 200);
  EXPECT_THAT(server.wait(), IsOk());
  EXPECT_TRUE(refused);
}

// Whichever allocation fails: each seventh is tried, all of them take half a minute.
TEST_F(ServerTest, EndsWithoutMemory) {
  const auto fds = count_descriptors();
  const auto threads = count_threads();
  bool has_failed = true;
  long allowed = 0;
  for (; has_failed; allowed += 7) {
    const ScarceMemory scarce(ScarceMemory::For::other_threads, ScarceMemory::Lack::one_allocation,
                              allowed);
    if (auto server = Server::start(options())) {
      connect_to_server(*server).reset();
      const auto ended = server->stop();
      EXPECT_TRUE(ended || ended.error().code() == Errc::internal) << ended.error().message();
    } else {
      EXPECT_EQ(server.error().code(), Errc::unavailable) << server.error().message();
    }
    has_failed = ScarceMemory::has_failed();
  }
  EXPECT_GT(allowed, 10);
  EXPECT_EQ(count_descriptors(), fds);
  EXPECT_EQ(count_threads(), threads);
}

TEST_F(ServerTest, MayBeDestroyedOnItsOwnThread) {
  const auto threads = count_threads();
  const auto stopping = std::make_shared<Stopping>();
  ServerOptions with_own = options();
  with_own.authenticator = stopping;
  std::optional<Server> server = must(Server::start(std::move(with_own)));
  const Fd client = connect_to_server(*server);
  stopping->stop = [&] { server.reset(); };
  const std::string_view request = "GET /api/version HTTP/1.1\r\nHost: localhost\r\n\r\n";
  ASSERT_GT(::send(client.get(), request.data(), request.size(), MSG_NOSIGNAL), 0);
  EXPECT_THAT(must(read_to_end(client, "the response")), testing::HasSubstr("200 OK"));
  EXPECT_TRUE(eventually([&] { return count_threads() == threads; }));
}

TEST_F(ServerTest, ACacheThatCannotBeOpenedIsAnErrorOfTheRequest) {
  ServerOptions throwing = options();
  throwing.open_cache = []() -> Result<cache::Cache> { throw std::runtime_error("of the host"); };
  auto server = must(Server::start(std::move(throwing)));
  const auto answer = ask(server, "PUT", "/api/packages/gcs/a.zip", "content");
  EXPECT_EQ(answer.status, 500);
  EXPECT_THAT(answer.body, testing::HasSubstr("of the host"));
  EXPECT_EQ(version_status(server), 200);
  EXPECT_THAT(server.stop(), IsOk());
}

TEST_F(ServerTest, OtherMachinesNeedAuthenticationAndTls) {
  const auto opened = [&](std::shared_ptr<Authenticator> authenticator) {
    ServerOptions to_all = options();
    to_all.listen.host = "0.0.0.0";
    to_all.authenticator = std::move(authenticator);
    return Server::start(std::move(to_all));
  };
  EXPECT_THAT(opened(nullptr), IsError(Errc::permission_denied, "a token"));
  EXPECT_THAT(opened(std::make_shared<OnlyAlice>()),
              IsError(Errc::permission_denied, "requires TLS"));
}

TEST_F(ServerTest, UsesASocketThatIsPassed) {
  auto listening = must(open_listening_socket({.port = 0}));
  ServerOptions with_socket = options();
  with_socket.listening_socket = std::move(listening.fd);
  const auto server = must(Server::start(std::move(with_socket)));
  EXPECT_EQ(server.address(), "http://" + listening.address);
  EXPECT_EQ(version_status(server), 200);
}

}  // namespace
}  // namespace rtenv::server
