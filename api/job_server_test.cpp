#include "rtenv/job_server.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "api/job_server_fixture.hpp"
#include "base/environment.hpp"
#include "base/fd.hpp"
#include "base/json_text.hpp"
#include "base/program.hpp"
#include "support/in_fork.hpp"
#include "support/used_descriptors.hpp"

namespace rtenv {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// Admits who says the password, and lets "reader" read.
class Passwords final : public Authenticator {
 public:
  std::variant<Caller, Refusal> authenticate(const Request& request) override {
    if (request.token == "writer") return Caller{.name = "w", .may_submit = true};
    if (request.token == "reader") return Caller{.name = "r"};
    if (request.token == "bug") throw std::runtime_error("no database");
    return Refusal{.is_unknown = !request.token, .message = "who are you?"};
  }
};

TEST_F(JobServerApi, AClientUploadsWhatAJobNeedsOfItsMachine) {
  tree_.file("job/main.py", "import helper; print(helper.WORD)\n");
  tree_.file("modules/helper/__init__.py", "WORD = 'uploaded'\n");
  JobServer server = must(JobServer::start(options()));
  Options of_client;
  of_client.environment = Variables{{"PATH", "/usr/bin:/bin"}, {"HOME", "/nonexistent"}};
  of_client.base = tree_.root();
  JobClient jobs = must(JobClient::open(server.address(), of_client));
  EXPECT_EQ(jobs.address(), server.address());

  const std::string uploaded =
      must(jobs.upload(R"({"working_dir": "job", "py_modules": ["modules/helper"]})"));
  const auto runtime_env = json_from_text(uploaded);
  EXPECT_THAT(runtime_env.at("working_dir").get<std::string>(), StartsWith("gcs://_ray_pkg_"));
  JobUploadOptions instead{.working_dir = "modules"};
  EXPECT_NE(json_from_text(must(jobs.upload(uploaded, instead))), runtime_env);

  const std::string id = must(
      jobs.submit(json_text({{"entrypoint", "python3 main.py"}, {"runtime_env", runtime_env}})));
  std::string log;
  (void)must(jobs.follow(id, [&](std::string_view text) -> Result<void> {
    log += text;
    return {};
  }));
  EXPECT_THAT(log, HasSubstr("uploaded"));
}

TEST_F(JobServerApi, AnUploadChecksTheRuntimeEnvBeforeItSendsAnything) {
  JobClient nobody = must(JobClient::open("http://127.0.0.1:1"));
  EXPECT_THAT(nobody.upload(R"({"working_dir": 1})"), IsError(Errc::invalid_argument));
  EXPECT_THAT(nobody.upload(R"({"working_dir": "/missing/folder"})"), IsError(Errc::not_found));
  EXPECT_THAT(nobody.upload("[]"), IsError(Errc::invalid_argument));
  EXPECT_THAT(nobody.upload("{}"), IsError(Errc::unavailable));
}

TEST_F(JobServerApi, JobsMayHaveResourcesOfTheirOwnKindsAndLimits) {
  JobServerOptions limited = options();
  limited.resources["tpu"] = 2;
  limited.max_open_files = 77;
  const JobServer server = must(JobServer::start(limited));
  EXPECT_THAT(run(server, "ulimit -n"), HasSubstr("77"));
  JobClient jobs = client(server);
  const auto end_of_job_with = [&](const char* tpus) {
    const std::string id = must(jobs.submit(
        R"({"entrypoint": "true", "entrypoint_resources": {"tpu": )" + std::string(tpus) + "}}"));
    const auto ignore = [](std::string_view) -> Result<void> { return {}; };
    return json_from_text(must(jobs.follow(id, ignore)));
  };
  EXPECT_EQ(end_of_job_with("2").at("status"), "SUCCEEDED");
  EXPECT_EQ(end_of_job_with("3").at("status"), "FAILED");
  JobServerOptions wrong = options("two");
  wrong.resources["tpu"] = -1;
  EXPECT_THAT(JobServer::start(wrong), IsError(Errc::invalid_argument));
  wrong = options("two");
  wrong.max_setups = 0;
  EXPECT_THAT(JobServer::start(wrong), IsError(Errc::invalid_argument));
  wrong = options("two");
  wrong.sandbox = JobSandbox{.readable = {"/missing/folder"}};
  EXPECT_THAT(JobServer::start(wrong), IsError(Errc::not_found));
}

TEST_F(JobServerApi, TwoServersOfOneProcessServeTheirOwnJobs) {
  JobServer one = must(JobServer::start(options("one")));
  JobServer two = must(JobServer::start(options("two")));
  EXPECT_THAT(run(one, "echo first"), HasSubstr("first"));
  EXPECT_THAT(run(two, "echo second"), HasSubstr("second"));
  EXPECT_EQ(json_from_text(must(client(one).list())).size(), 1U);
  EXPECT_THAT(two.stop(), IsOk());
  EXPECT_THAT(run(one, "echo third"), HasSubstr("third"));
  EXPECT_THAT(two.stop(), IsOk());
}

TEST_F(JobServerApi, TheNextServerTakesOverTheJobsOfTheOneBefore) {
  std::optional<JobServer> server = must(JobServer::start(options()));
  JobClient jobs = client(*server);
  const std::string id =
      must(jobs.submit(R"({"entrypoint": "while ! test -e )" + (tree_ / "go").native() +
                       R"(; do sleep 0.02; done; echo went"})"));
  EXPECT_THAT(server->stop(), IsOk());
  server.reset();
  server = must(JobServer::start(options()));
  tree_.file("go", "");
  std::string log;
  const auto details = must(client(*server).follow(id, [&](std::string_view text) -> Result<void> {
    log += text;
    return {};
  }));
  EXPECT_EQ(json_from_text(details).at("status"), "SUCCEEDED");
  EXPECT_THAT(log, EndsWith("\nwent\n"));
}

TEST_F(JobServerApi, WithoutDescriptorsAStartFailsAndALaterOneSucceeds) {
  int failures = 0;
  for (int left = 0; left < 40; ++left) {
    const UsedDescriptors used(left);
    const auto started = JobServer::start(options());
    if (started) break;
    ++failures;
    EXPECT_THAT(started, IsError(Errc::unavailable)) << left;
  }
  EXPECT_GT(failures, 10);
  EXPECT_THAT(JobServer::start(options()), IsOk());
}

TEST_F(JobServerApi, AnAuthenticatorDecidesWhoMayDoWhat) {
  JobServerOptions with_passwords = options();
  with_passwords.authenticator = std::make_shared<Passwords>();
  JobServer server = must(JobServer::start(with_passwords));
  EXPECT_THAT(run(server, "echo hello", "writer"), HasSubstr("hello"));
  JobClient reader = client(server, "reader");
  EXPECT_THAT(reader.list(), IsOk());
  EXPECT_THAT(reader.submit(R"({"entrypoint": "true"})"), IsError(Errc::permission_denied));
  EXPECT_THAT(client(server).list(), IsError(Errc::permission_denied));
  EXPECT_THAT(client(server, "wrong").list(), IsError(Errc::permission_denied));
  EXPECT_FALSE(client(server, "bug").list());
  EXPECT_THAT(reader.list(), IsOk());
}

TEST_F(JobServerApi, AClientGetsItsTokenFromItsCaller) {
  JobServerOptions with_passwords = options();
  with_passwords.authenticator = std::make_shared<Passwords>();
  const JobServer server = must(JobServer::start(with_passwords));
  Options with_token;
  with_token.credentials = [&](std::string_view address) -> Result<Variables> {
    EXPECT_EQ(address, server.address());
    return Variables{{"RAY_AUTH_TOKEN", "reader"}};
  };
  EXPECT_THAT(must(JobClient::open(server.address(), with_token)).list(), IsOk());
  with_token.credentials = [](std::string_view) -> Result<Variables> { throw 7; };
  EXPECT_THAT(JobClient::open(server.address(), with_token),
              IsError(Errc::invalid_argument, "credentials threw"));
}

TEST_F(JobServerApi, ASocketWithoutAPathIsNoAddress) {
  EXPECT_THAT(JobClient::open("unix:"), IsError(Errc::invalid_argument, "unix:"));
}

TEST_F(JobServerApi, AJobWithoutAnIdIsNotAskedFor) {
  JobClient nobody = must(JobClient::open("http://127.0.0.1:1"));
  EXPECT_THAT(nobody.details(""), IsError(Errc::invalid_argument));
  EXPECT_THAT(nobody.logs(""), IsError(Errc::invalid_argument));
  EXPECT_THAT(nobody.stop(""), IsError(Errc::invalid_argument));
  EXPECT_THAT(nobody.remove(""), IsError(Errc::invalid_argument));
  EXPECT_THAT(nobody.follow("a", nullptr), IsError(Errc::invalid_argument, "output"));
}

TEST_F(JobServerApi, OptionsThatCannotBeAreRefused) {
  const auto refused = [&](auto change, Errc code) {
    JobServerOptions changed = options();
    changed.environment = Variables{{"PATH", "/usr/bin:/bin"}, {"HOME", "/nonexistent"}};
    change(changed);
    EXPECT_THAT(JobServer::start(changed), IsError(code));
  };
  refused([](auto& o) { o.state_dir = Path(); }, Errc::invalid_argument);
  refused([](auto& o) { o.host = "not an address"; }, Errc::invalid_argument);
  refused([](auto& o) { o.host = "0.0.0.0"; }, Errc::permission_denied);
  refused([](auto& o) { o.tls_key = "/no/such/key"; }, Errc::invalid_argument);
  refused([](auto& o) { o.supervisor_program = "/no/such/program"; }, Errc::not_found);
  refused([](auto& o) { o.max_queued = 0; }, Errc::invalid_argument);
  refused([](auto& o) { o.cpus = -1; }, Errc::invalid_argument);
  refused([](auto& o) { o.job_ttl = std::chrono::seconds(-1); }, Errc::invalid_argument);
  refused([](auto& o) { o.max_request_bytes = 0; }, Errc::invalid_argument);
  refused([](auto& o) { o.open_files = 0; }, Errc::invalid_argument);
  refused([](auto& o) { o.resources["GPU"] = 2; }, Errc::invalid_argument);
  refused([](auto& o) { o.environment = Variables{{"A=B", "x"}}; }, Errc::invalid_argument);
  refused([](auto& o) { o.environment->insert_or_assign("RTENV_CACHE_MAX_SIZE", "lots"); },
          Errc::invalid_argument);
  refused([](auto& o) { o.environment->insert_or_assign("RTENV_REMOTE_CACHE", "local:///x"); },
          Errc::invalid_argument);
  refused([](auto& o) { o.cache_root = "/dev/null"; }, Errc::invalid_argument);
  refused(
      [](auto& o) {
        o.token = "x";
        o.token_file = "/no/such/file";
      },
      Errc::invalid_argument);
  refused(
      [](auto& o) {
        o.unix_socket = "/no/such/folder/socket";
        o.listening_socket = ::open("/dev/null", O_RDWR | O_CLOEXEC);
      },
      Errc::invalid_argument);
  if (find_program("bwrap", Environment::of_process()))
    refused(
        [](auto& o) {
          o.environment->insert_or_assign("PATH", "/nowhere");
          o.sandbox.emplace();
        },
        Errc::not_found);
  refused(
      [](auto& o) {
        o.authenticator = std::make_shared<Passwords>();
        o.token = "x";
      },
      Errc::invalid_argument);
  refused([](auto& o) { o.open_store = [] { return Result<std::unique_ptr<JobStore>>(); }; },
          Errc::invalid_argument);
  refused([](auto& o) { o.open_store = []() -> Result<std::unique_ptr<JobStore>> { throw 7; }; },
          Errc::unavailable);
  const JobServer first = must(JobServer::start(options()));
  refused([](auto&) {}, Errc::unavailable);  // the state folder is in use
}

TEST_F(JobServerApi, NeitherItNorItsSupervisorsWriteToTheStandardStreams) {
  const Path output = tree_ / "output";
  in_fork([&] {
    const Fd file(::open(output.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    ::dup2(file.get(), STDOUT_FILENO);
    ::dup2(file.get(), STDERR_FILENO);
    std::optional<JobServer> server = must(JobServer::start(options()));
    (void)run(*server, "echo hello >&2");
    // Its supervisor has nobody to talk to when the server ends at once.
    (void)must(client(*server).submit(R"({"entrypoint": "true"})"));
    server.reset();
  });
  EXPECT_EQ(content_of(output), "");
}

TEST_F(JobServerApi, AServerThatWasMovedOrStoppedAnswersCalls) {
  JobServer server = must(JobServer::start(options()));
  JobServer moved = std::move(server);
  EXPECT_THAT(server.stop(), IsError(Errc::invalid_argument));  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(server.address(), "");
  EXPECT_EQ(server.poll_fd(), -1);
  server.reload();
  server.request_stop();
  EXPECT_THAT(moved.stop(), IsOk());
  moved.reload();
  moved.request_stop();
  EXPECT_THAT(moved.wait(), IsOk());
  EXPECT_THAT(client(moved).list(), IsError(Errc::unavailable));
}

}  // namespace
}  // namespace rtenv
