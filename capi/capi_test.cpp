#include <gmock/gmock.h>

#include <memory>

#include "rtenv.h"
#include "support/tree_builder.hpp"

namespace rtenv {
namespace {

using testing::HasSubstr;

struct FreeError {
  void operator()(rtenv_error* error) const { rtenv_error_free(error); }
};
using OwnedError = std::unique_ptr<rtenv_error, FreeError>;

/// Expects that `call` refuses its arguments, and says what is wrong.
template <class Call>
void expect_refused(Call call, const char* text) {
  rtenv_error* error = nullptr;
  const rtenv_status status = call(&error);
  const OwnedError owner(error);
  EXPECT_EQ(status, RTENV_INVALID_ARGUMENT);
  EXPECT_EQ(rtenv_error_status(error), RTENV_INVALID_ARGUMENT);
  EXPECT_THAT(rtenv_error_message(error), HasSubstr(text));
}

TEST(CApi, PacksUnpacksAndInspects) {
  TreeBuilder tree;
  tree.file("job/main.py", "print(1)\n").file("job/x.tmp", "x");
  const std::string job = (tree / "job").native();
  const std::string zip = (tree / "job.zip").native();
  RTENV_INIT(rtenv_pack_options, options);
  options.scheme = RTENV_SCHEME_RAY;
  const char* excludes[] = {"*.tmp", nullptr};
  options.excludes = excludes;

  rtenv_package* package = nullptr;
  ASSERT_EQ(rtenv_pack(job.c_str(), zip.c_str(), &options, &package, nullptr), RTENV_OK);
  EXPECT_EQ(rtenv_package_content_bytes(package), 9U);
  EXPECT_GT(rtenv_package_packed_bytes(package), 0U);
  char* entries = nullptr;
  ASSERT_EQ(rtenv_package_entries(package, &entries, nullptr), RTENV_OK);
  EXPECT_STREQ(
      entries,
      R"([{"executable":false,"link_target":"","path":"main.py","size_bytes":9,"type":"file"}])");
  rtenv_string_free(entries);

  rtenv_package* named = nullptr;
  ASSERT_EQ(rtenv_name_directory(job.c_str(), &options, &named, nullptr), RTENV_OK);
  EXPECT_STREQ(rtenv_package_name(named), rtenv_package_name(package));
  EXPECT_THAT(rtenv_package_uri(named), testing::StartsWith("gcs://_ray_pkg_"));

  const std::string right_name = (tree / rtenv_package_name(named)).native();
  std::filesystem::rename(zip, right_name);
  std::int32_t matches = 0;
  ASSERT_EQ(rtenv_inspect(right_name.c_str(), nullptr, &matches, nullptr, nullptr), RTENV_OK);
  EXPECT_EQ(matches, 1);
  const std::string copy = (tree / "copy").native();
  ASSERT_EQ(rtenv_unpack(right_name.c_str(), copy.c_str(), nullptr, nullptr), RTENV_OK);
  EXPECT_EQ(content_of(tree / "copy/main.py"), "print(1)\n");
  rtenv_package_free(named);
  rtenv_package_free(package);
}

TEST(CApi, AWriteFunctionMayEndTheCall) {
  TreeBuilder tree;
  tree.file("job/main.py", "print(1)\n");
  const auto refuse = [](const void*, std::size_t, void*) -> std::int32_t { return 1; };
  EXPECT_EQ(rtenv_pack_to((tree / "job").c_str(), refuse, nullptr, nullptr, nullptr, nullptr),
            RTENV_CANCELLED);
}

TEST(CApi, RunsAJob) {
  TreeBuilder tree;
  tree.file("job/main.sh", "test \"$A$B\" = ab && exit 4\n");
  rtenv_cache* cache = nullptr;
  rtenv_runtime_env* env = nullptr;
  rtenv_job* job = nullptr;
  rtenv_process* process = nullptr;
  ASSERT_EQ(rtenv_cache_open((tree / "cache").c_str(), nullptr, &cache, nullptr), RTENV_OK);
  ASSERT_EQ(
      rtenv_runtime_env_parse(R"({"working_dir": "job"})", tree.root().c_str(), &env, nullptr),
      RTENV_OK);
  ASSERT_EQ(rtenv_runtime_env_set_env_var(env, "A", "a", nullptr), RTENV_OK);
  ASSERT_EQ(rtenv_prepare(env, cache, nullptr, &job, nullptr), RTENV_OK);
  EXPECT_STREQ(rtenv_job_env(job), "");
  RTENV_INIT(rtenv_command, command);
  const char* argv[] = {"sh", "main.sh", nullptr};
  const char* variables[] = {"B=b", nullptr};
  command.argv = argv;
  command.env_vars = variables;
  ASSERT_EQ(rtenv_job_start(job, &command, &process, nullptr), RTENV_OK);
  EXPECT_GT(rtenv_process_pid(process), 0);
  std::int32_t exit_code = -1;
  ASSERT_EQ(rtenv_process_wait(process, nullptr, &exit_code, nullptr), RTENV_OK);
  EXPECT_EQ(exit_code, 4);
  rtenv_process_free(process);
  rtenv_job_free(job);
  rtenv_runtime_env_free(env);
  char* entries = nullptr;
  ASSERT_EQ(rtenv_cache_entries(cache, &entries, nullptr), RTENV_OK);
  EXPECT_THAT(entries, HasSubstr("\"kind\":\"tree\""));
  rtenv_string_free(entries);
  rtenv_cache_free(cache);
}

TEST(CApi, AStructOfAnotherVersionIsReadAsFarAsItIsKnown) {
  TreeBuilder tree;
  tree.file("job/x.tmp", "x");
  const std::string job = (tree / "job").native();
  rtenv_package* package = nullptr;
  // An older one, which ends before `excludes`.
  RTENV_INIT(rtenv_pack_options, older);
  older.struct_size = offsetof(rtenv_pack_options, excludes);
  older.excludes = reinterpret_cast<const char* const*>(1);
  ASSERT_EQ(rtenv_name_directory(job.c_str(), &older, &package, nullptr), RTENV_OK);
  rtenv_package_free(package);
  package = nullptr;
  // A newer one: what is unknown must not be given.
  struct Newer {
    rtenv_pack_options known;
    std::uint64_t unknown;
  } newer{};
  newer.known.struct_size = sizeof newer;
  ASSERT_EQ(rtenv_name_directory(job.c_str(), &newer.known, &package, nullptr), RTENV_OK);
  rtenv_package_free(package);
  newer.unknown = 1;
  expect_refused(
      [&](rtenv_error** error) {
        return rtenv_name_directory(job.c_str(), &newer.known, &package, error);
      },
      "a newer version");
  newer.known.struct_size = 0;  // forgotten
  expect_refused(
      [&](rtenv_error** error) {
        return rtenv_name_directory(job.c_str(), &newer.known, &package, error);
      },
      "struct_size is 0");
}

TEST(CApi, ValuesThatAreNotKnownAreRefused) {
  TreeBuilder tree;
  rtenv_package* package = nullptr;
  RTENV_INIT(rtenv_pack_options, options);
  options.scheme = 77;
  expect_refused(
      [&](rtenv_error** error) {
        return rtenv_name_directory(tree.root().c_str(), &options, &package, error);
      },
      "scheme");
  options.scheme = 0;
  options.compression = -1;
  expect_refused(
      [&](rtenv_error** error) {
        return rtenv_name_directory(tree.root().c_str(), &options, &package, error);
      },
      "compression");
  RTENV_INIT(rtenv_options, common);
  const char* variables[] = {"no equals sign", nullptr};
  common.environment = variables;
  options.compression = 0;
  options.options = &common;
  expect_refused(
      [&](rtenv_error** error) {
        return rtenv_name_directory(tree.root().c_str(), &options, &package, error);
      },
      "NAME=value");
  rtenv_cache* cache = nullptr;
  RTENV_INIT(rtenv_cache_options, of_cache);
  of_cache.remote_mode = RTENV_REMOTE_WRITE_BACK;
  expect_refused(
      [&](rtenv_error** error) {
        return rtenv_cache_open((tree / "cache").c_str(), &of_cache, &cache, error);
      },
      "remote_mode");
}

TEST(CApi, ServesJobsToThoseWhomACallbackAdmits) {
  TreeBuilder tree;
  const std::string state = (tree / "state").native();
  const std::string cache = (tree / "cache").native();
  RTENV_INIT(rtenv_job_server_options, options);
  options.state_dir = state.c_str();
  options.cache_root = cache.c_str();
  options.supervisor_program = RTENV_SUPERVISOR;
  options.cpus = 4;
  int asked = 0;
  options.authenticate_user = &asked;
  options.authenticate = [](const rtenv_request* request, void* user) -> std::int32_t {
    ++*static_cast<int*>(user);
    return request->token != nullptr && std::strcmp(request->token, "secret") == 0
               ? RTENV_ACCESS_SUBMIT
               : RTENV_ACCESS_REFUSED;
  };
  rtenv_job_server* server = nullptr;
  ASSERT_EQ(rtenv_job_server_start(&options, &server, nullptr), RTENV_OK);

  RTENV_INIT(rtenv_options, of_client);
  const char* variables[] = {"RAY_AUTH_TOKEN=secret", "PATH=/usr/bin:/bin", nullptr};
  const char* stranger[] = {"RAY_AUTH_TOKEN=wrong", nullptr};
  const auto open = [&](const char* const* environment) {
    of_client.environment = environment;
    rtenv_job_client* client = nullptr;
    EXPECT_EQ(rtenv_job_client_open(rtenv_job_server_address(server), &of_client, &client, nullptr),
              RTENV_OK);
    return client;
  };
  rtenv_job_client* client = open(variables);
  char* id = nullptr;
  ASSERT_EQ(rtenv_job_client_submit(client, R"({"entrypoint": "echo hello"})", &id, nullptr),
            RTENV_OK);
  std::string log;
  const auto append = [](const char* text, std::size_t size, void* user) {
    static_cast<std::string*>(user)->append(text, size);
  };
  char* details = nullptr;
  ASSERT_EQ(rtenv_job_client_follow(client, id, append, &log, &details, nullptr), RTENV_OK);
  EXPECT_THAT(log, HasSubstr("\nhello\n"));
  EXPECT_THAT(details, HasSubstr("SUCCEEDED"));
  EXPECT_GT(asked, 0);
  EXPECT_EQ(rtenv_job_client_remove(client, id, nullptr), RTENV_OK);
  EXPECT_EQ(rtenv_job_client_details(client, id, nullptr, nullptr), RTENV_NOT_FOUND);
  rtenv_string_free(details);
  rtenv_string_free(id);
  rtenv_job_client_free(client);

  client = open(stranger);
  char* jobs = nullptr;
  EXPECT_EQ(rtenv_job_client_list(client, nullptr, &jobs, nullptr), RTENV_PERMISSION_DENIED);
  rtenv_job_client_free(client);
  EXPECT_EQ(rtenv_job_server_stop(server, nullptr), RTENV_OK);
  EXPECT_EQ(rtenv_job_server_stop(server, nullptr), RTENV_OK);
  rtenv_job_server_free(server);
}

TEST(CApi, AStopEndsACall) {
  TreeBuilder tree;
  rtenv_stop* stop = nullptr;
  ASSERT_EQ(rtenv_stop_new(&stop, nullptr), RTENV_OK);
  rtenv_stop_request(stop);
  RTENV_INIT(rtenv_options, common);
  common.stop = stop;
  RTENV_INIT(rtenv_pack_options, options);
  options.options = &common;
  rtenv_package* package = nullptr;
  EXPECT_EQ(rtenv_name_directory(tree.root().c_str(), &options, &package, nullptr),
            RTENV_CANCELLED);
  rtenv_stop_free(stop);
}

// Every function that takes a handle or a text, with null in its place.
TEST(CApi, NullIsRefusedOrDoesNothing) {
  rtenv_error* error = nullptr;
  const auto refused = [&](rtenv_status status) {
    expect_refused([&](rtenv_error** out) { return *out = std::exchange(error, nullptr), status; },
                   "is NULL");
  };
  refused(rtenv_stop_new(nullptr, &error));
  refused(rtenv_package_entries(nullptr, nullptr, &error));
  refused(rtenv_name_directory(nullptr, nullptr, nullptr, &error));
  refused(rtenv_pack(nullptr, nullptr, nullptr, nullptr, &error));
  refused(rtenv_pack("/", nullptr, nullptr, nullptr, &error));
  refused(rtenv_pack_to("/", nullptr, nullptr, nullptr, nullptr, &error));
  refused(rtenv_unpack(nullptr, nullptr, nullptr, &error));
  refused(rtenv_inspect(nullptr, nullptr, nullptr, nullptr, &error));
  refused(rtenv_cache_open(nullptr, nullptr, nullptr, &error));
  refused(rtenv_cache_entries(nullptr, nullptr, &error));
  refused(rtenv_cache_find(nullptr, nullptr, nullptr, nullptr, &error));
  refused(rtenv_cache_gc(nullptr, nullptr, nullptr, nullptr, &error));
  refused(rtenv_cache_enforce_limits(nullptr, nullptr, &error));
  refused(rtenv_cache_remove(nullptr, nullptr, nullptr, nullptr, &error));
  refused(rtenv_cache_pin(nullptr, nullptr, nullptr, nullptr, 0, nullptr, &error));
  refused(rtenv_cache_unpin(nullptr, nullptr, nullptr, nullptr, nullptr, &error));
  refused(rtenv_cache_flush(nullptr, nullptr, &error));
  refused(rtenv_cache_verify(nullptr, nullptr, nullptr, &error));
  refused(rtenv_fetch_file(nullptr, nullptr, nullptr, nullptr, &error));
  refused(rtenv_fetch_tree(nullptr, nullptr, nullptr, nullptr, &error));
  refused(rtenv_download(nullptr, nullptr, nullptr, nullptr, &error));
  refused(rtenv_push(nullptr, nullptr, nullptr, nullptr, &error));
  refused(rtenv_runtime_env_parse(nullptr, nullptr, nullptr, &error));
  refused(rtenv_runtime_env_load(nullptr, nullptr, nullptr, &error));
  refused(rtenv_runtime_env_set_working_dir(nullptr, nullptr, &error));
  refused(rtenv_runtime_env_set_env_var(nullptr, nullptr, nullptr, &error));
  refused(rtenv_plan_env(nullptr, nullptr, nullptr, nullptr, &error));
  refused(rtenv_env_plan_lock(nullptr, nullptr, &error));
  refused(rtenv_env_plan_build(nullptr, nullptr, nullptr, &error));
  refused(rtenv_prepare(nullptr, nullptr, nullptr, nullptr, &error));
  refused(rtenv_job_start(nullptr, nullptr, nullptr, &error));
  refused(rtenv_process_wait(nullptr, nullptr, nullptr, &error));
  refused(rtenv_job_client_open(nullptr, nullptr, nullptr, &error));
  refused(rtenv_job_client_submit(nullptr, nullptr, nullptr, &error));
  refused(rtenv_job_client_details(nullptr, nullptr, nullptr, &error));
  refused(rtenv_job_client_upload(nullptr, nullptr, nullptr, &error));
  refused(rtenv_pack_into(nullptr, nullptr, nullptr, nullptr, &error));
  refused(rtenv_package_excluded(nullptr, nullptr, &error));
  EXPECT_EQ(rtenv_lease_key(nullptr), nullptr);
  rtenv_job_server_request_stop(nullptr);
  refused(rtenv_pack_to_descriptor(nullptr, 1, nullptr, nullptr, &error));
  refused(rtenv_job_client_list(nullptr, nullptr, nullptr, &error));
  refused(rtenv_job_client_logs(nullptr, nullptr, nullptr, &error));
  refused(rtenv_job_client_follow(nullptr, nullptr, nullptr, nullptr, nullptr, &error));
  refused(rtenv_job_client_stop(nullptr, nullptr, 0, nullptr, &error));
  refused(rtenv_job_client_remove(nullptr, nullptr, &error));

  refused(rtenv_job_server_start(nullptr, nullptr, &error));
  refused(rtenv_job_server_stop(nullptr, &error));

  EXPECT_EQ(rtenv_error_status(nullptr), RTENV_OK);
  EXPECT_EQ(rtenv_job_server_address(nullptr), nullptr);
  EXPECT_EQ(rtenv_job_server_poll_fd(nullptr), -1);
  rtenv_job_server_reload(nullptr);
  rtenv_job_server_free(nullptr);
  EXPECT_STREQ(rtenv_error_message(nullptr), "");
  EXPECT_STREQ(rtenv_error_hint(nullptr), "");
  EXPECT_EQ(rtenv_package_name(nullptr), nullptr);
  EXPECT_EQ(rtenv_package_uri(nullptr), nullptr);
  EXPECT_EQ(rtenv_package_content_bytes(nullptr), 0U);
  EXPECT_EQ(rtenv_package_packed_bytes(nullptr), 0U);
  EXPECT_EQ(rtenv_cache_root(nullptr), nullptr);
  EXPECT_EQ(rtenv_cache_digest_folder(nullptr), nullptr);
  EXPECT_EQ(rtenv_lease_path(nullptr), nullptr);
  EXPECT_EQ(rtenv_env_plan_key(nullptr), nullptr);
  EXPECT_EQ(rtenv_env_plan_key_parts(nullptr), nullptr);
  EXPECT_EQ(rtenv_job_working_dir(nullptr), nullptr);
  EXPECT_EQ(rtenv_job_env(nullptr), nullptr);
  EXPECT_EQ(rtenv_process_pid(nullptr), -1);
  EXPECT_EQ(rtenv_process_poll_fd(nullptr), -1);
  rtenv_process_signal(nullptr, 15);
  rtenv_process_detach(nullptr);
  rtenv_stop_request(nullptr);
  rtenv_variables_set(nullptr, nullptr, nullptr);
  rtenv_error_free(nullptr);
  rtenv_string_free(nullptr);
  rtenv_stop_free(nullptr);
  rtenv_package_free(nullptr);
  rtenv_cache_free(nullptr);
  rtenv_lease_free(nullptr);
  rtenv_runtime_env_free(nullptr);
  rtenv_env_plan_free(nullptr);
  rtenv_job_free(nullptr);
  rtenv_process_free(nullptr);
  rtenv_job_client_free(nullptr);
}

TEST(CApi, AnErrorNeedsNoObject) {
  EXPECT_EQ(rtenv_unpack("/no/such/file", "/no/such/target", nullptr, nullptr), RTENV_NOT_FOUND);
}

}  // namespace
}  // namespace rtenv
