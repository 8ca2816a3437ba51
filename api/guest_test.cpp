// What the API does to the process that calls it: nothing that stays.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "base/fd.hpp"
#include "rtenv/job.hpp"
#include "rtenv/transfer.hpp"
#include "support/in_fork.hpp"
#include "support/own_process.hpp"
#include "support/result_matchers.hpp"
#include "support/scarce_memory.hpp"
#include "support/tree_builder.hpp"

namespace rtenv {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// What a process has one of.
struct ProcessState {
  std::array<void (*)(int), NSIG> handlers{};
  std::uint64_t blocked = 0;
  Path folder;
  mode_t umask = 0;
  std::vector<std::string> variables;
  std::size_t descriptors = 0;

  friend bool operator==(const ProcessState&, const ProcessState&) = default;
};

ProcessState state_of_process() {
  ProcessState state;
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction action {};
    ::sigaction(number, nullptr, &action);
    state.handlers[static_cast<std::size_t>(number)] = action.sa_handler;
  }
  sigset_t mask;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  for (int number = 1; number < 64; ++number)
    if (::sigismember(&mask, number) == 1) state.blocked |= std::uint64_t{1} << number;
  state.folder = std::filesystem::current_path();
  state.umask = ::umask(0);
  ::umask(state.umask);
  for (char** variable = environ; *variable != nullptr; ++variable)
    state.variables.emplace_back(*variable);
  state.descriptors = count_descriptors();
  return state;
}

// A job from its directory to its end.
void use_the_api(const Path& root, Cache& cache) {
  PackOptions options;
  options.digest_cache = cache.digest_folder();
  (void)must(name_directory(root / "job", options));
  const Pushed pushed = must(push(root / "job", "file://" + (root / "bucket").native() + "/"));
  RuntimeEnv env = must(RuntimeEnv::parse("{\"working_dir\": \"" + pushed.uri + "\"}"));
  PreparedJob job = must(prepare(env, cache));
  Process process = must(job.start({.argv = {"sh", "-c", "echo x > new; exit 3"}}));
  EXPECT_EQ(must(process.wait()).code, 3);
  job.release();
  EXPECT_THAT(fetch_file("file:///no/such/file", cache), IsError(Errc::not_found));
  (void)must(cache.gc({.max_bytes = 0}));
}

class Guest : public testing::Test {
 protected:
  Guest() { tree_.file("job/main.py", "print(1)\n").directory("bucket"); }
  TreeBuilder tree_;
};

TEST_F(Guest, LeavesTheProcessAsItWas) {
  {
    Cache cache = must(Cache::open(tree_ / "cache"));
    use_the_api(tree_.root(), cache);  // the first use of libraries
  }
  const ProcessState before = state_of_process();
  const std::size_t threads = count_threads();
  {
    Cache cache = must(Cache::open(tree_ / "cache"));
    use_the_api(tree_.root(), cache);
  }
  const ProcessState after = state_of_process();
  EXPECT_EQ(after.handlers, before.handlers);
  EXPECT_EQ(after.blocked, before.blocked);
  EXPECT_EQ(after.folder, before.folder);
  EXPECT_EQ(after.umask, before.umask);
  EXPECT_EQ(after.variables, before.variables);
  EXPECT_EQ(after.descriptors, before.descriptors);
  EXPECT_EQ(count_threads(), threads);
}

// Whichever allocation fails, alone or with all that follow: each ninth is tried. What succeeds is
// right.
TEST_F(Guest, GetsAnErrorIfMemoryRunsOut) {
  for (int i = 0; i < 20; ++i)
    tree_.file("job/" + std::to_string(i % 4) + "/" + std::to_string(i), "x");
  const Path job = tree_ / "job";
  const Path root = tree_ / "cache";
  const Path archive = tree_ / "packed.zip";
  const Path folder = tree_ / "unpacked";
  const std::string uri = "file://" + (tree_ / "bucket/a.zip").native();
  PackOptions options;
  options.digest_cache = must(Cache::open(root)).digest_folder();
  const Package expected = must(pack(job, tree_ / "bucket/a.zip", options));
  const auto call_all = [&]() -> Result<void> {
    RTENV_TRY(auto cache, Cache::open(root));
    RTENV_TRY(const auto named, name_directory(job, options));
    EXPECT_EQ(named.name, expected.name);
    RTENV_TRY(const auto packed, pack(job, archive, options));
    EXPECT_EQ(packed.name, expected.name);
    EXPECT_EQ(packed.packed_bytes, expected.packed_bytes);
    RTENV_TRY(const auto unpacked, unpack(archive, folder));
    EXPECT_EQ(unpacked.files, expected.files);
    RTENV_TRY(auto fetched, fetch_tree(uri, cache));
    EXPECT_TRUE(std::filesystem::exists(fetched.path));
    fetched.lease.reset();
    RTENV_TRY(const auto collected, cache.gc({.max_bytes = 0}));
    EXPECT_EQ(collected.held_bytes, 0U);
    return {};
  };
  must(call_all());
  const std::size_t descriptors = count_descriptors();
  const std::size_t threads = count_threads();
  using Lack = ScarceMemory::Lack;
  using For = ScarceMemory::For;
  for (const auto& [whose, lack] : {std::pair(For::this_thread, Lack::one_allocation),
                                    std::pair(For::this_thread, Lack::lasting),
                                    std::pair(For::other_threads, Lack::one_allocation),
                                    std::pair(For::other_threads, Lack::lasting)}) {
    bool has_failed = true;
    for (long allowed = 0; has_failed; allowed += 9) {
      std::filesystem::remove_all(folder);
      std::filesystem::remove(archive);
      const ScarceMemory scarce(whose, lack, allowed);
      const auto called = call_all();
      has_failed = ScarceMemory::has_failed();
      EXPECT_TRUE(called || called.error().code() == Errc::unavailable) << called.error().message();
    }
  }
  EXPECT_EQ(count_descriptors(), descriptors);
  EXPECT_EQ(count_threads(), threads);
}

TEST_F(Guest, WritesNothingToTheStandardStreams) {
  const Path output = tree_ / "output";
  in_fork([&] {
    const Fd file(::open(output.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    ::dup2(file.get(), STDOUT_FILENO);
    ::dup2(file.get(), STDERR_FILENO);
    Cache cache = must(Cache::open(tree_ / "cache"));
    use_the_api(tree_.root(), cache);
  });
  EXPECT_THAT(content_of(output), IsEmpty());
}

TEST_F(Guest, AReaderThatIsGoneIsAnErrorAndNoSignal) {
  const Path fifo = tree_ / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  tree_.file("job/large.bin", std::string(1 << 20, 'x'));
  in_fork([&] {
    std::thread reader([&] {
      const Fd end(::open(fifo.c_str(), O_RDONLY | O_CLOEXEC));
      char byte = 0;
      (void)!::read(end.get(), &byte, 1);
    });
    PackOptions options;
    options.compression = Compression::store;
    EXPECT_FALSE(pack(tree_ / "job", fifo, options));
    reader.join();
    sigset_t pending;
    ::sigpending(&pending);
    EXPECT_EQ(::sigismember(&pending, SIGPIPE), 0);
  });
}

TEST_F(Guest, StandardStreamsThatAreClosedAreAnError) {
  in_fork([&] {
    for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      const Fd kept(::fcntl(number, F_DUPFD_CLOEXEC, 10));
      ::close(number);
      const auto named = name_directory(tree_ / "job");
      const auto opened = Cache::open(tree_ / "cache");
      ::dup2(kept.get(), number);
      EXPECT_THAT(named, IsError(Errc::invalid_argument, "is closed"));
      EXPECT_THAT(opened, IsError(Errc::invalid_argument, "is closed"));
    }
  });
}

TEST_F(Guest, ACurrentFolderThatIsGoneIsAnErrorAndNoException) {
  const Path folder = tree_ / "gone";
  std::filesystem::create_directory(folder);
  in_fork([&] {
    ASSERT_EQ(::chdir(folder.c_str()), 0);
    std::filesystem::remove(folder);
    EXPECT_FALSE(name_directory("job"));
    EXPECT_FALSE(pack("job", "job.zip"));
    EXPECT_FALSE(Cache::open("cache"));
    EXPECT_FALSE(RuntimeEnv::load("runtime_env.yaml"));
    // What is absolute doesn't need it.
    EXPECT_THAT(name_directory(tree_ / "job"), IsOk());
    Cache cache = must(Cache::open(tree_ / "cache"));
    const RuntimeEnv env = must(RuntimeEnv::parse(R"({"uv": ["./no-such.whl"]})"));
    EXPECT_FALSE(plan_env(env, cache));
  });
}

TEST_F(Guest, NeedsNoVariableOfTheProcess) {
  in_fork([&] {
    ::clearenv();
    CacheOptions options;
    options.environment = Variables{};
    Cache cache = must(Cache::open(tree_ / "cache", options));
    EnvOptions given;
    given.environment = Variables{{"PATH", "/usr/bin:/bin"}};
    PreparedJob job = must(prepare(RuntimeEnv(), cache, given));
    EXPECT_EQ(job.variables().at("PATH"), "/usr/bin:/bin");
    Process process = must(job.start({.argv = {"sh", "-c", "test -z \"$HOME\""}}));
    EXPECT_EQ(must(process.wait()).code, 0);
  });
}

TEST_F(Guest, ServesManyThreadsWithACacheEachOrOneOfAll) {
  constexpr int k_threads = 4;
  constexpr int k_rounds = 10;
  Cache shared = must(Cache::open(tree_ / "shared"));
  std::vector<std::jthread> threads;
  std::atomic<int> done = 0;
  for (int i = 0; i < k_threads; ++i)
    threads.emplace_back([&, i] {
      Cache own = must(Cache::open(tree_ / ("cache" + std::to_string(i % 2))));
      for (int round = 0; round < k_rounds; ++round) {
        Cache& cache = round % 2 == 0 ? own : shared;
        EnvOptions options;
        options.base = tree_.root();
        RuntimeEnv env = must(RuntimeEnv::parse(R"({"working_dir": "job"})", tree_.root()));
        PreparedJob job = must(prepare(env, cache, options));
        Process process = must(job.start({.argv = {"sh", "-c", "test -e main.py"}}));
        if (must(process.wait()).succeeded()) ++done;
      }
    });
  threads.clear();
  EXPECT_EQ(done, k_threads * k_rounds);
}

}  // namespace
}  // namespace rtenv
