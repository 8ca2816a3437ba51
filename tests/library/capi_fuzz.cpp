// Calls the C functions in random order with random arguments: null, texts of any kind, structs of
// any size, values that no enum has. Nothing may crash, hang or leak; AddressSanitizer and
// UndefinedBehaviorSanitizer watch.
//
//   capi_fuzz SECONDS [SEED]
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "rtenv.h"

namespace {

class Fuzzer {
 public:
  Fuzzer(std::uint64_t seed, std::string folder) : random_(seed), folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_ + "/job/sub");
    std::ofstream(folder_ + "/job/main.sh") << "echo hello\n";
    std::ofstream(folder_ + "/job/sub/data") << "data";
    std::ofstream(folder_ + "/env.json") << R"({"working_dir": "job", "env_vars": {"A": "a"}})";
    std::ofstream(folder_ + "/broken.zip") << "PK\3\4 and no more";
  }
  ~Fuzzer() { free_all(); }
  Fuzzer(const Fuzzer&) = delete;
  Fuzzer& operator=(const Fuzzer&) = delete;

  /// How many times each function succeeded.
  [[nodiscard]] const std::array<std::uint64_t, 33>& succeeded() const { return succeeded_; }

  void step() {
    const std::array<std::function<rtenv_status(rtenv_error**)>, 33> calls{
        [&](auto error) { return rtenv_name_directory(path(), pack(), out(packages_), error); },
        [&](auto error) { return rtenv_pack(path(), target(), pack(), out(packages_), error); },
        [&](auto error) {
          return rtenv_pack_to(path(), one_of<rtenv_write_fn>({nullptr, &write, &write}), this,
                               pack(), out(packages_), error);
        },
        [&](auto error) { return rtenv_package_entries(any(packages_), text(), error); },
        [&](auto error) { return rtenv_unpack(path(), target(), unpack(), error); },
        [&](auto error) {
          return rtenv_inspect(path(), unpack(), maybe(&number_), out(packages_), error);
        },
        [&](auto error) {
          return rtenv_cache_open(cache_root(), cache_options(), out(caches_), error);
        },
        [&](auto error) { return rtenv_cache_entries(any(caches_), text(), error); },
        [&](auto error) {
          return rtenv_cache_find(any(caches_), word(), word(), out(leases_), error);
        },
        [&](auto error) {
          return rtenv_cache_gc(any(caches_), limits(), any(stops_), maybe(&bytes_), error);
        },
        [&](auto error) { return rtenv_cache_enforce_limits(any(caches_), any(stops_), error); },
        [&](auto error) {
          return rtenv_cache_remove(any(caches_), word(), word(), maybe(&number_), error);
        },
        [&](auto error) {
          return rtenv_cache_pin(any(caches_), word(), word(), word(), value(), maybe(&number_),
                                 error);
        },
        [&](auto error) {
          return rtenv_cache_unpin(any(caches_), word(), word(), word(), maybe(&number_), error);
        },
        [&](auto error) { return rtenv_cache_flush(any(caches_), any(stops_), error); },
        [&](auto error) {
          return rtenv_cache_verify(any(caches_), any(stops_), maybe(&bytes_), error);
        },
        [&](auto error) {
          return rtenv_fetch_file(any(caches_), uri(), fetch(), out(leases_), error);
        },
        [&](auto error) {
          return rtenv_fetch_tree(any(caches_), uri(), fetch(), out(leases_), error);
        },
        [&](auto error) { return rtenv_download(uri(), target(), fetch(), maybe_array(), error); },
        [&](auto error) { return rtenv_push(path(), uri(), pack(), text(), error); },
        [&](auto error) {
          return rtenv_runtime_env_parse(json(), one_of<const char*>({nullptr, folder_.c_str()}),
                                         out(envs_), error);
        },
        [&](auto error) {
          return rtenv_runtime_env_load(path(), one_of<const char*>({nullptr, folder_.c_str()}),
                                        out(envs_), error);
        },
        [&](auto error) { return rtenv_runtime_env_set_working_dir(any(envs_), path(), error); },
        [&](auto error) {
          return rtenv_runtime_env_set_env_var(any(envs_), word(), word(), error);
        },
        [&](auto error) {
          return rtenv_plan_env(any(envs_), any(caches_), env_options(), out(plans_), error);
        },
        [&](auto error) {
          return rtenv_prepare(any(envs_), any(caches_), env_options(), out(jobs_), error);
        },
        [&](auto error) { return rtenv_job_start(any(jobs_), command(), out(processes_), error); },
        [&](auto error) {
          rtenv_process* process = any(processes_);
          rtenv_process_signal(process, 9);
          return rtenv_process_wait(process, any(stops_), maybe(&number_), error);
        },
        [&](auto error) { return rtenv_stop_new(out(stops_), error); },
        [&](auto) {
          if (random_() % 8 == 0) rtenv_stop_request(any(stops_));
          rtenv_set_log(static_cast<std::int32_t>(random_() % 5) - 1, &log, nullptr);
          return RTENV_OK;
        },
        [&](auto error) {  // nothing listens there
          return rtenv_job_client_open(one_of<const char*>({"http://127.0.0.1:1", "nonsense",
                                                            "ftp://x", "unix:/dev/null/no"}),
                                       options(), out(clients_), error);
        },
        [&](auto error) {
          return rtenv_job_client_submit(
              any(clients_), one_of<const char*>({nullptr, "", "[]", "{", "1"}), text(), error);
        },
        [&](auto) {
          show_all();
          if (random_() % 64 == 0) free_all();
          return RTENV_OK;
        }};
    rtenv_error* error = nullptr;
    const std::size_t number = random_() % calls.size();
    const rtenv_status status = calls[number](random_() % 4 == 0 ? nullptr : &error);
    if (status == RTENV_OK) ++succeeded_[number];
    if (status != RTENV_OK && error != nullptr && *rtenv_error_message(error) == '\0') std::abort();
    if ((status == RTENV_OK) && error != nullptr) std::abort();
    if (status < RTENV_OK || status > RTENV_INTERNAL) std::abort();
    if (status == RTENV_INTERNAL && error != nullptr)
      std::printf("internal: %s\n", rtenv_error_message(error));
    rtenv_error_free(error);
    rtenv_string_free(std::exchange(text_, nullptr));
    if (++steps_ % 512 == 0) free_all();
  }

 private:
  template <class Value>
  Value one_of(std::initializer_list<Value> values) {
    return values.begin()[random_() % values.size()];
  }
  template <class Handle>
  Handle* any(std::vector<Handle*>& handles) {
    if (handles.empty() || random_() % 16 == 0) return nullptr;
    return handles[random_() % handles.size()];
  }
  // A place for a new handle, which is null or kept.
  template <class Handle>
  Handle** out(std::vector<Handle*>& handles) {
    if (random_() % 16 == 0) return nullptr;
    handles.reserve(1024);
    handles.push_back(nullptr);
    return &handles.back();
  }
  template <class Value>
  Value* maybe(Value* value) {
    return random_() % 4 == 0 ? nullptr : value;
  }
  char* maybe_array() { return maybe(sha256_); }
  char** text() {
    rtenv_string_free(std::exchange(text_, nullptr));
    return maybe(&text_);
  }
  std::uint64_t value() {
    return one_of<std::uint64_t>({0, 1, 1000, 1ULL << 40U, UINT64_MAX, random_()});
  }

  const char* keep(std::string text) {
    kept_[next_ % kept_.size()] = std::move(text);
    return kept_[next_++ % kept_.size()].c_str();
  }
  const char* word() {
    return one_of<const char*>({nullptr, "", "tree", "env", "file", "x", "../x", "a=b", "\xff\xfe",
                                "tool", "copy", keep(std::string(random_() % 300, 'k'))});
  }
  const char* path() {
    return one_of<const char*>({nullptr, "", "relative", "/dev/null/no/path", "/dev/null",
                                "/dev/zero/x", keep(folder_ + "/job"), keep(folder_ + "/job"),
                                keep(folder_ + "/job.zip"), keep(folder_ + "/broken.zip"),
                                keep(folder_ + "/env.json"), keep(std::string(5000, 'p'))});
  }
  const char* target() {
    return one_of<const char*>({nullptr, "", "/dev/null/no/x", keep(folder_ + "/job.zip"),
                                keep(folder_ + "/job.zip"),
                                keep(folder_ + "/out" + std::to_string(random_() % 1000))});
  }
  const char* cache_root() {
    return one_of<const char*>(
        {keep(folder_ + "/cache"), keep(folder_ + "/cache2"), "", "/proc/no"});
  }
  const char* uri() {
    return one_of<const char*>(
        {nullptr, "", "nonsense", "file://relative", keep("file://" + folder_ + "/job.zip"),
         keep("file://" + folder_ + "/job/main.sh"), keep("file://" + folder_ + "/bucket/"),
         "gs://", "local:///x", "file:///dev/null/no#sha256=00", "http://", "s3://UPPER_CASE/x"});
  }
  const char* json() {
    return one_of<const char*>({nullptr, "", "{}", "null", "[]", "{\"env_vars\": {\"A\": 1}}",
                                "{\"working_dir\": \"job\"}", "{\"working_dir\": \"\"}",
                                "{\"uv\": []}", "{\"uv\": [\"./no.whl\"]}", "{\"unknown\": 1}",
                                "\xff", keep("{\"working_dir\": \"" + folder_ + "/job.zip\"}"),
                                keep(std::string(2000, '['))});
  }

  // Some bytes of a struct at random; its size is right, wrong or another version's.
  template <class Struct>
  void fill_size(Struct& options) {
    options.struct_size =
        one_of<std::uint32_t>({sizeof options, sizeof options, sizeof options, sizeof options, 0, 1,
                               4, 8, sizeof options - 8, UINT32_MAX});
  }
  const char* const* list() {
    static const char* const k_empty[] = {nullptr};
    static const char* const k_some[] = {"*.log", "!a", "", "[", nullptr};
    return one_of<const char* const*>({nullptr, k_empty, k_some});
  }
  const char* const* variables() {
    static const char* const k_variables[] = {"PATH=/usr/bin:/bin", "HOME=/nonexistent",
                                              "RTENV_NETWORK_TIMEOUT=1", nullptr};
    static const char* const k_wrong[] = {"PATH", nullptr};
    return random_() % 8 == 0 ? k_wrong : k_variables;
  }
  const rtenv_options* options() {
    options_ = {};
    fill_size(options_);
    options_.threads = one_of<std::uint32_t>({0, 1, 2, 7});
    options_.environment = variables();
    options_.base = one_of<const char*>({nullptr, folder_.c_str(), "/dev/null/no"});
    options_.stop = random_() % 8 == 0 ? any(stops_) : nullptr;
    options_.on_progress = one_of<rtenv_progress_fn>({nullptr, &progress});
    options_.credentials = one_of<rtenv_credentials_fn>({nullptr, &credentials});
    return random_() % 2 == 0 ? nullptr : &options_;
  }
  const rtenv_pack_options* pack() {
    pack_ = {};
    fill_size(pack_);
    pack_.scheme = one_of({0, 0, 1, 2, 3, 4, -1});
    pack_.compression = one_of({0, 1, 2, 3, 4, -1});
    pack_.ignore_rules = one_of({0, 0, 1, 2});
    pack_.no_gitignore = one_of({0, 1, 7});
    pack_.options = options();
    pack_.excludes = list();
    pack_.includes = list();
    pack_.git_revision = one_of<const char*>({nullptr, nullptr, nullptr, "HEAD", ""});
    pack_.digest_cache = one_of<const char*>({nullptr, folder_.c_str(), "/dev/null/no"});
    return random_() % 4 == 0 ? nullptr : &pack_;
  }
  const rtenv_unpack_options* unpack() {
    unpack_ = {};
    fill_size(unpack_);
    unpack_.strip_top = one_of({0, 1});
    unpack_.options = options();
    unpack_.max_total_bytes = value();
    unpack_.max_entries = value();
    return random_() % 4 == 0 ? nullptr : &unpack_;
  }
  const rtenv_cache_options* cache_options() {
    cache_ = {};
    fill_size(cache_);
    cache_.remote_mode = one_of({0, 0, 1, 2, 3});
    cache_.environment = variables();
    cache_.remote_uri =
        one_of<const char*>({nullptr, nullptr, "nonsense", keep("file://" + folder_ + "/tier/")});
    cache_.max_bytes = value();
    return &cache_;
  }
  const rtenv_cache_limits* limits() {
    limits_ = {};
    fill_size(limits_);
    limits_.dry_run = one_of({0, 1});
    limits_.max_bytes = value();
    limits_.max_age_s = value();
    return random_() % 4 == 0 ? nullptr : &limits_;
  }
  const rtenv_fetch_options* fetch() {
    fetch_ = {};
    fill_size(fetch_);
    fetch_.offline = one_of({0, 1});
    fetch_.options = options();
    return &fetch_;
  }
  const rtenv_env_options* env_options() {
    env_ = {};
    fill_size(env_);
    env_.offline = 1;  // no network
    env_.options = options();
    env_.python = one_of<const char*>({nullptr, "no-such-python", ""});
    env_.lock = one_of<const char*>({nullptr, "/dev/null/no", ""});
    env_.renew = one_of({0, 0, 0, 1, 2, 3, 4});
    return &env_;
  }
  const rtenv_command* command() {
    static const char* const k_echo[] = {"sh", "-c", "cat; echo hello; exit 3", nullptr};
    static const char* const k_none[] = {nullptr};
    static const char* const k_unknown[] = {"no-such-program", nullptr};
    command_ = {};
    fill_size(command_);
    command_.argv =
        one_of<const char* const*>({nullptr, k_none, k_unknown, k_echo, k_echo, k_echo});
    command_.env_vars = one_of<const char* const*>({nullptr, variables()});
    command_.redirects = 1;  // else it would write to this program's streams
    command_.input_fd = -1;
    command_.output_fd = null_;
    command_.error_fd = null_;
    return random_() % 16 == 0 ? nullptr : &command_;
  }

  static std::int32_t write(const void*, std::size_t size, void*) {
    return size > (1U << 20U) ? 1 : 0;
  }
  static void progress(std::uint64_t, std::uint64_t, void*) {}
  static void log(std::int32_t, const char*, void*) {}
  static std::int32_t credentials(const char*, rtenv_variables* variables, void*) {
    rtenv_variables_set(variables, "AWS_ACCESS_KEY_ID", "id");
    return 0;
  }

  void show_all() {
    for (auto* package : packages_)
      if (package != nullptr && *rtenv_package_name(package) == '\0') std::abort();
    for (auto* lease : leases_) sum_ += lease != nullptr ? *rtenv_lease_path(lease) : 0;
    for (auto* plan : plans_) sum_ += plan != nullptr ? *rtenv_env_plan_key(plan) : 0;
    for (auto* job : jobs_) sum_ += job != nullptr ? *rtenv_job_working_dir(job) : 0;
    for (auto* process : processes_)
      sum_ += process != nullptr ? rtenv_process_poll_fd(process) : 0;
  }
  template <class Handle>
  static void free_handles(std::vector<Handle*>& handles, void (*free)(Handle*)) {
    for (Handle* handle : handles) free(handle);
    handles.clear();
  }
  void free_all() {
    free_handles(processes_, rtenv_process_free);
    free_handles(jobs_, rtenv_job_free);
    free_handles(plans_, rtenv_env_plan_free);
    free_handles(envs_, rtenv_runtime_env_free);
    free_handles(leases_, rtenv_lease_free);
    free_handles(caches_, rtenv_cache_free);
    free_handles(packages_, rtenv_package_free);
    free_handles(clients_, rtenv_job_client_free);
    free_handles(stops_, rtenv_stop_free);
  }

  std::mt19937_64 random_;
  std::string folder_;
  int null_ = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  std::uint64_t steps_ = 0;
  std::array<std::uint64_t, 33> succeeded_{};
  long sum_ = 0;
  std::int32_t number_ = 0;
  std::uint64_t bytes_ = 0;
  char sha256_[65] = {};
  char* text_ = nullptr;
  std::array<std::string, 64> kept_;
  std::size_t next_ = 0;
  std::vector<rtenv_package*> packages_;
  std::vector<rtenv_cache*> caches_;
  std::vector<rtenv_lease*> leases_;
  std::vector<rtenv_stop*> stops_;
  std::vector<rtenv_runtime_env*> envs_;
  std::vector<rtenv_env_plan*> plans_;
  std::vector<rtenv_job*> jobs_;
  std::vector<rtenv_process*> processes_;
  std::vector<rtenv_job_client*> clients_;
  rtenv_options options_{};
  rtenv_pack_options pack_{};
  rtenv_unpack_options unpack_{};
  rtenv_cache_options cache_{};
  rtenv_cache_limits limits_{};
  rtenv_fetch_options fetch_{};
  rtenv_env_options env_{};
  rtenv_command command_{};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::fputs("usage: capi_fuzz SECONDS [SEED]\n", stderr), 2;
  const std::uint64_t seed =
      argc > 2 ? std::strtoull(argv[2], nullptr, 10) : std::random_device()();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  char folder[] = "/tmp/rtenv-fuzz-XXXXXX";
  if (::mkdtemp(folder) == nullptr) return 1;
  std::uint64_t steps = 0;
  {
    Fuzzer fuzzer(seed, folder);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(std::atoi(argv[1]));
    for (; std::chrono::steady_clock::now() < end; ++steps) fuzzer.step();
    for (const std::uint64_t count : fuzzer.succeeded())
      std::printf("%llu ", static_cast<unsigned long long>(count));
  }
  std::filesystem::remove_all(folder);
  std::printf("%llu calls\n", static_cast<unsigned long long>(steps));
}
