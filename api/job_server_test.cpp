#include "rtenv/job_server.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "base/fd.hpp"
#include "base/json_text.hpp"
#include "rtenv/job_client.hpp"
#include "server/memory_rows.hpp"
#include "support/in_fork.hpp"
#include "support/result_matchers.hpp"
#include "support/tree_builder.hpp"
#include "support/used_descriptors.hpp"

namespace rtenv {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

struct Jobs : server::MemoryRows<StoredJob> {
  std::function<void()> on_add;
};

// As a program may keep them in a database of its own.
class StoreInMemory final : public JobStore {
 public:
  explicit StoreInMemory(std::shared_ptr<Jobs> jobs) : jobs_(std::move(jobs)), table_(*jobs_) {}

  Result<std::int64_t> add(const StoredJob& job) override {
    if (jobs_->on_add) jobs_->on_add();
    const auto lock = table_.locked();
    for (const auto& [number, row] : jobs_->rows)
      if (row.id == job.id) return Error(Errc::already_exists, job.id + " exists");
    StoredJob added = job;
    added.number = ++jobs_->last_number;
    jobs_->rows.emplace(added.number, added);
    return added.number;
  }
  Result<void> update(const StoredJob& job) override {
    const auto lock = table_.locked();
    if (const auto row = jobs_->rows.find(job.number); row != jobs_->rows.end()) row->second = job;
    return {};
  }
  Result<void> remove(std::int64_t number) override {
    const auto lock = table_.locked();
    jobs_->rows.erase(number);
    return {};
  }
  Result<std::optional<StoredJob>> find(std::string_view id) override {
    const std::lock_guard lock(jobs_->mutex);  // not in a transaction
    for (const auto& [number, row] : jobs_->rows)
      if (row.id == id) return std::optional(row);
    return std::optional<StoredJob>();
  }
  Result<std::vector<StoredJob>> list(const Query& query) override {
    const auto lock = table_.locked();
    std::vector<StoredJob> found;
    std::int64_t skipped = 0;
    for (const auto& [number, row] : jobs_->rows) {
      if (number <= query.after || (!query.status.empty() && row.status != query.status)) continue;
      if (skipped++ < query.offset) continue;
      if (static_cast<std::int64_t>(found.size()) == query.limit) break;
      found.push_back(row);
    }
    return found;
  }
  Result<std::vector<StoredJob>> ended_before(std::int64_t end_ms, std::int64_t limit) override {
    const auto lock = table_.locked();
    std::vector<StoredJob> found;
    for (const auto& [number, row] : jobs_->rows)
      if (row.end_ms > 0 && row.end_ms < end_ms) found.push_back(row);
    std::ranges::stable_sort(found, {}, &StoredJob::end_ms);
    if (static_cast<std::int64_t>(found.size()) > limit)
      found.resize(static_cast<std::size_t>(limit));
    return found;
  }
  Result<std::int64_t> ended_count() override { return table_.ended_count(); }
  Result<void> transaction(const std::function<Result<void>()>& body) override {
    return table_.transaction(body);
  }

 private:
  std::shared_ptr<Jobs> jobs_;
  server::MemoryTable<StoredJob> table_;
};

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

class JobServerApi : public testing::Test {
 protected:
  [[nodiscard]] JobServerOptions options(const std::string& name = "one") const {
    JobServerOptions options;
    options.state_dir = tree_ / (name + "-state");
    options.cache_root = tree_ / (name + "-cache");
    options.port = 0;
    options.cpus = 8;
    options.supervisor_program = RTENV_SUPERVISOR;
    return options;
  }
  static JobClient client(const JobServer& server, const std::string& token = {}) {
    Options options;
    options.environment = Variables{{"PATH", "/usr/bin:/bin"}, {"HOME", "/nonexistent"}};
    if (!token.empty()) options.environment->emplace("RAY_AUTH_TOKEN", token);
    return must(JobClient::open(server.address(), options));
  }
  // The log of a job that runs to its end.
  static std::string run(const JobServer& server, const std::string& entrypoint,
                         const std::string& token = {}) {
    JobClient jobs = client(server, token);
    const std::string id = must(jobs.submit(json_text({{"entrypoint", entrypoint}})));
    std::string log;
    const std::string details = must(jobs.follow(id, [&](std::string_view text) -> Result<void> {
      log += text;
      return {};
    }));
    EXPECT_EQ(json_from_text(details).at("status"), "SUCCEEDED") << details << log;
    return log;
  }

  TreeBuilder tree_;
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

TEST_F(JobServerApi, AStoreOfTheHostKeepsTheJobs) {
  auto jobs = std::make_shared<Jobs>();
  JobServerOptions with_store = options();
  with_store.open_store = [jobs]() -> Result<std::unique_ptr<JobStore>> {
    return std::unique_ptr<JobStore>(std::make_unique<StoreInMemory>(jobs));
  };
  std::optional<JobServer> server = must(JobServer::start(with_store));
  (void)run(*server, "echo hello");
  {
    const std::lock_guard lock(jobs->mutex);
    ASSERT_EQ(jobs->rows.size(), 1U);
    EXPECT_EQ(jobs->rows.begin()->second.status, "SUCCEEDED");
    EXPECT_GT(jobs->rows.begin()->second.end_ms, 0);
  }
  EXPECT_FALSE(std::filesystem::exists(tree_ / "one-state/jobs.db"));
  server.reset();
  server = must(JobServer::start(with_store));
  const auto found = json_from_text(must(client(*server).list()));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].at("entrypoint"), "echo hello");
  EXPECT_THAT(client(*server).remove(found[0].at("submission_id").get<std::string>()), IsOk());
  EXPECT_TRUE(jobs->rows.empty());
}

TEST_F(JobServerApi, AStoreThatLiesIsFoundOut) {
  const auto with_jobs = [&](auto change) {
    auto jobs = std::make_shared<Jobs>();
    change(*jobs);
    JobServerOptions changed = options();
    changed.open_store = [jobs]() -> Result<std::unique_ptr<JobStore>> {
      return std::unique_ptr<JobStore>(std::make_unique<StoreInMemory>(jobs));
    };
    return JobServer::start(changed);
  };
  tree_.file("victim/file", "x");
  EXPECT_THAT(with_jobs([](Jobs& jobs) {
                jobs.rows[1] = {.number = 1,
                                .id = "a",
                                .run_id = "../../victim",
                                .status = "FAILED",
                                .end_ms = 1,
                                .record = "{}"};
              }),
              IsOk());  // ended jobs are read later, and not removed
  EXPECT_TRUE(std::filesystem::exists(tree_ / "victim/file"));
}

TEST_F(JobServerApi, ADamagedRecordIsLeftAloneAndTheOthersAreServed) {
  auto jobs = std::make_shared<Jobs>();
  JobServerOptions with_store = options();
  with_store.open_store = [jobs]() -> Result<std::unique_ptr<JobStore>> {
    return std::unique_ptr<JobStore>(std::make_unique<StoreInMemory>(jobs));
  };
  std::optional<JobServer> server = must(JobServer::start(with_store));
  for (int i = 0; i < 3; ++i) (void)run(*server, "echo hello");
  server.reset();
  const auto damage = [&](std::int64_t number, const std::string& status) {
    StoredJob& row = jobs->rows.at(number);
    row.id = fmt::format("damaged-{}", number);
    row.status = status;
    row.record = "{\"number\": 1, ";
    tree_.file("one-state/jobs/" + row.run_id + "/kept", "");
    return row;
  };
  std::vector<StoredJob> damaged;
  {
    const std::lock_guard lock(jobs->mutex);
    damaged = {damage(1, "PENDING"), damage(2, "FAILED")};
    for (auto& [number, row] : jobs->rows) row.end_ms = number == 1 ? 0 : number;  // long ago
  }
  server = must(JobServer::start(with_store));
  EXPECT_THAT(run(*server, "echo hello"), HasSubstr("hello"));
  JobListOptions one;
  one.limit = 1;
  EXPECT_EQ(json_from_text(must(client(*server).list(one))).size(), 1U)
      << "a page isn't shorter, or it would be the last one";
  JobClient ask = client(*server);
  EXPECT_THAT(ask.details("damaged-1"), IsError(Errc::unavailable, "can't read the record"));
  EXPECT_THAT(ask.stop("damaged-1"), IsError(Errc::unavailable));
  EXPECT_THAT(ask.remove("damaged-2"), IsError(Errc::unavailable));
  EXPECT_THAT(ask.submit(R"({"entrypoint": "true", "submission_id": "damaged-1"})"),
              IsError(Errc::already_exists));
  const auto has_gone = [&](std::int64_t number) {
    for (int i = 0; i < 500; ++i, std::this_thread::sleep_for(std::chrono::milliseconds(10))) {
      const std::lock_guard lock(jobs->mutex);
      if (!jobs->rows.contains(number)) return true;
    }
    return false;
  };
  EXPECT_TRUE(has_gone(3)) << "those that ended long ago are removed";
  server.reset();
  for (const StoredJob& before : damaged) {
    const StoredJob& row = jobs->rows.at(before.number);
    EXPECT_EQ(row.record, before.record);
    EXPECT_EQ(row.status, before.status);
    EXPECT_TRUE(std::filesystem::exists(tree_ / ("one-state/jobs/" + row.run_id) / "kept"));
  }
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

TEST_F(JobServerApi, CodeThatAServerCallsCannotWaitForItsEnd) {
  auto jobs = std::make_shared<Jobs>();
  std::optional<JobServer> server;
  Result<void> stopped;
  jobs->on_add = [&] { stopped = server->stop(); };
  JobServerOptions with_store = options();
  with_store.open_store = [jobs]() -> Result<std::unique_ptr<JobStore>> {
    return std::unique_ptr<JobStore>(std::make_unique<StoreInMemory>(jobs));
  };
  server = must(JobServer::start(with_store));
  (void)client(*server).submit(R"({"entrypoint": "true"})");
  EXPECT_THAT(server->wait(), IsOk());
  EXPECT_THAT(stopped, IsError(Errc::invalid_argument));
}

TEST_F(JobServerApi, CodeThatAServerCallsMayDestroyAServerThatHasEnded) {
  std::optional<JobServer> ended = must(JobServer::start(options("two")));
  EXPECT_THAT(ended->stop(), IsOk());
  auto jobs = std::make_shared<Jobs>();
  Result<void> again = Error(Errc::internal, "not called");
  jobs->on_add = [&] {
    again = ended->stop();
    ended.reset();
  };
  JobServerOptions with_store = options();
  with_store.open_store = [jobs]() -> Result<std::unique_ptr<JobStore>> {
    return std::unique_ptr<JobStore>(std::make_unique<StoreInMemory>(jobs));
  };
  JobServer server = must(JobServer::start(with_store));
  EXPECT_THAT(client(server).submit(R"({"entrypoint": "true"})"), IsOk());
  EXPECT_FALSE(ended.has_value());
  EXPECT_THAT(again, IsOk());
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

TEST_F(JobServerApi, OptionsThatCannotBeAreRefused) {
  const auto refused = [&](auto change, Errc code) {
    JobServerOptions changed = options();
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
  refused(
      [](auto& o) {
        o.authenticator = std::make_shared<Passwords>();
        o.token = "x";
      },
      Errc::invalid_argument);
  refused([](auto& o) { o.open_store = [] { return Result<std::unique_ptr<JobStore>>(); }; },
          Errc::invalid_argument);
  refused([](auto& o) { o.open_store = []() -> Result<std::unique_ptr<JobStore>> { throw 7; }; },
          Errc::internal);
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
