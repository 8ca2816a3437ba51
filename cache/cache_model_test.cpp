// Several processes run random operations on one cache, and are killed or fail at fault points. A
// model in shared memory checks the invariants:
//
//   a leased entry is complete and unchanged; a pinned entry exists; opening fails only if it was
//   made to; a process that dies leaves no lease, temporary folder or folder without a row; the
//   totals match the entries.
//
// Meanwhile, lock files disappear, the clock jumps, folders have other owners, and another user
// tries to use the cache. As root, the processes run as an unprivileged user.
//
// Environment: RTENV_MODEL_STEPS sets the number of steps, RTENV_MODEL_SEED repeats a run.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <random>

#include "base/database.hpp"
#include "base/fault_point.hpp"
#include "base/hash.hpp"
#include "cache/cache.hpp"
#include "cache/cache_model_users.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::cache {
namespace {

constexpr int k_processes = 4;
constexpr std::size_t k_keys = 12;
constexpr int k_steps_in_ci = 10'000;
// A step that takes longer hangs: SIGALRM ends the process, which counts as a crash.
constexpr unsigned k_max_step_s = 120;
constexpr unsigned k_plantings = 10;  // of folders of other owners

// Shared by all processes.
struct Model {
  std::atomic<int> steps_left;
  std::atomic<int> kills;
  std::atomic<int> injected;
  std::atomic<int> violations;
  // Set after a process has pinned the entry, cleared before it unpins it.
  std::array<std::array<std::atomic<int>, k_processes>, k_keys> pinned;
};

enum class Faults { kills, errors };

Model* g_model = nullptr;
thread_local std::minstd_rand g_random;
thread_local int g_injected_here = 0;
Faults g_faults = Faults::kills;
bool g_faults_on = false;
bool g_as_other_users = false;  // see give_to_reachable_user

int chance(int of) { return std::uniform_int_distribution<int>(0, of - 1)(g_random); }

// The fault hook: kills the process, or returns an error number.
int strike(const char*) {
  if (!g_faults_on) return 0;
  if (g_faults == Faults::kills) {
    if (chance(15) != 0) return 0;
    ++g_model->kills;
    ::kill(::getpid(), SIGKILL);
  }
  constexpr std::array k_errors{ENOSPC, EIO, EMFILE, EROFS};
  if (chance(10) != 0) return 0;
  ++g_model->injected;
  ++g_injected_here;
  return k_errors[static_cast<std::size_t>(chance(static_cast<int>(k_errors.size())))];
}

Kind kind_of(std::size_t index) { return index % 3 == 0 ? Kind::env : Kind::tree; }
Key key_of(std::size_t index) { return must(Key::parse("key-" + std::to_string(index))); }

// Part of every entry.
const std::string& common_content() {
  static const std::string content(70'000, 'c');
  return content;
}

// The content of an entry is a function of its key.
std::string content_of_key(const std::string& key) {
  std::string content;
  while (content.size() < 20'000) content += sha256_hex(key + std::to_string(content.size()));
  return content;
}

// Deeper than there are descriptors, see few_descriptors.
constexpr rlim_t k_descriptors = 128;
Path deep_path() {
  Path path = "folder";
  for (rlim_t i = 0; i < 2 * k_descriptors; ++i) path /= "d";
  return path;
}
void few_descriptors() {
  const rlimit limit{.rlim_cur = k_descriptors, .rlim_max = k_descriptors};
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

Builder builder_of(const Key& key) {
  return [key](const BuildContext& context) -> Result<void> {
    RTENV_TRY(make_directories(context.target / "folder"));
    const std::string content = content_of_key(key.text());
    std::ofstream(context.target / "first", std::ios::binary) << content.substr(0, 10'000);
    std::ofstream(context.target / "common", std::ios::binary) << common_content();
    RTENV_TRY(fault_point("builder.half"));
    if (chance(20) == 0) RTENV_TRY(make_directories(context.target / deep_path()));
    std::ofstream(context.target / "folder/second", std::ios::binary) << content.substr(10'000);
    return {};
  };
}

bool has_expected_content(const Path& path, const std::string& key) {
  const auto first = read_file(path / "first");
  const auto second = read_file(path / "folder/second");
  const auto common = read_file(path / "common");
  return first && second && common && *first + *second == content_of_key(key) &&
         *common == common_content();
}

class Worker {
 public:
  Worker(const Path& root, int number) : root_(root), number_(number) {}

  void run() {
    while (g_model->steps_left.fetch_sub(1) > 0) {
      ::alarm(k_max_step_s);
      if (!cache_ || chance(60) == 0) reopen();
      if (cache_) step();
    }
  }

 private:
  void reopen() {
    leases_.clear();
    enforce_limits();
    const int injected_before = g_injected_here;
    auto opened = Cache::open(
        root_, {.limits = {.max_bytes = chance(2) == 0 ? std::optional<std::uint64_t>(400'000)
                                                       : std::nullopt}});
    cache_ = opened ? std::optional(std::move(*opened)) : std::nullopt;
    check(opened || g_injected_here > injected_before,
          opened ? "" : "opening fails: " + opened.error().message());
  }

  void step() {
    const auto index = static_cast<std::size_t>(chance(static_cast<int>(k_keys)));
    const Kind kind = kind_of(index);
    const Key key = key_of(index);
    switch (chance(10)) {
      case 0:
      case 1:
      case 2: return hold(index, cache_->get_or_build(kind, key, builder_of(key)));
      case 3: {
        auto found = cache_->find(kind, key);
        if (found && *found) hold(index, std::move(**found));
        return;
      }
      case 4: return release();
      case 5: return read_leased();
      case 6: {
        const bool held = is_held(index);
        const auto removed = cache_->remove(kind, key);
        if (removed && *removed) check(!held, "a leased entry was removed");
        return;
      }
      case 7: {
        [[maybe_unused]] const auto report = cache_->collect(
            {.max_bytes = static_cast<std::uint64_t>(chance(800'000))}, chance(4) == 0);
        return;
      }
      case 8: return pin(index);
      default: {
        if (chance(4) == 0) return chance(2) == 0 ? remove_a_lock() : move_the_clock();
        if (chance(10) != 0) return;
        const auto report = cache_->verify(1);
        if (report)
          check(report->quarantined.empty() && report->damaged_in_use.empty(),
                "verify reports changed content");
        return;
      }
    }
  }

  // As a cleaner of old files does.
  void remove_a_lock() const {
    std::error_code error;
    std::vector<Path> locks;
    for (const auto& lock : std::filesystem::directory_iterator(root_ / "locks", error))
      locks.push_back(lock.path());
    if (!locks.empty())
      std::filesystem::remove(
          locks[static_cast<std::size_t>(chance(static_cast<int>(locks.size())))], error);
  }

  // The same as all uses having been so much earlier or later.
  void move_the_clock() const {
    auto database = Database::open(root_ / "ledger.db");
    if (!database) return;
    constexpr std::int64_t k_year_ms = 31'536'000'000;
    [[maybe_unused]] const auto moved =
        database->execute(fmt::format("UPDATE entry SET last_used_ms = last_used_ms + {}",
                                      chance(2) == 0 ? k_year_ms : -k_year_ms)
                              .c_str());
  }

  void hold(std::size_t index, Result<Lease> lease) {
    if (!lease) return;
    check(has_expected_content(lease->path(), key_of(index).text()),
          "a new lease has other content");
    leases_.emplace_back(index, std::move(*lease));
    if (leases_.size() > 4) release();
  }

  void release() {
    if (leases_.empty()) return;
    leases_.erase(leases_.begin() + chance(static_cast<int>(leases_.size())));
    enforce_limits();
  }

  void enforce_limits() {
    if (cache_) cache_->enforce_limits();
  }

  void read_leased() const {
    for (const auto& [index, lease] : leases_)
      check(has_expected_content(lease.path(), key_of(index).text()),
            "a leased entry is gone or changed");
  }

  [[nodiscard]] bool is_held(std::size_t index) const {
    return std::ranges::any_of(leases_, [&](const auto& held) { return held.first == index; });
  }

  void pin(std::size_t index) {
    auto& pinned = g_model->pinned[index][static_cast<std::size_t>(number_)];
    const std::string name = "worker-" + std::to_string(number_);
    if (pinned.load() != 0) {
      const auto there = cache_->find(kind_of(index), key_of(index));
      if (there) check(there->has_value(), "a pinned entry is gone");
      pinned = 0;
      [[maybe_unused]] const auto unpinned = cache_->unpin(kind_of(index), key_of(index), name);
    } else if (const auto done =
                   cache_->pin(kind_of(index), key_of(index), {.name = name, .expires_ms = {}});
               done && *done) {
      pinned = 1;
    }
  }

  static void check(bool holds, const std::string& violation) {
    if (holds) return;
    ++g_model->violations;
    std::cerr << "process " << ::getpid() << ": " << violation << "\n";
  }

  const Path& root_;
  int number_;
  std::optional<Cache> cache_;
  std::vector<std::pair<std::size_t, Lease>> leases_;
};

pid_t start_worker(const Path& root, int number, unsigned seed) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  g_random.seed(seed);
  if (g_as_other_users) become(k_user);
  few_descriptors();
  g_faults_on = true;
  fault_hook = strike;
  Worker(root, number).run();
  ::_exit(0);  // without destructors: leases aren't released
}

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

// In memory unless TMPDIR is set: a killed process leaves the same on any file system.
Path folder_for_many_writes() {
  std::error_code error;
  const bool chosen =
      std::getenv("TMPDIR") != nullptr;  // NOLINT(concurrency-mt-unsafe): before any thread
  return !chosen && std::filesystem::is_directory("/dev/shm", error)
             ? Path("/dev/shm")
             : std::filesystem::temp_directory_path();
}

void check_final_state(const Path& root) {
  Cache cache = must(Cache::open(root));
  const auto rows = must(cache.entries());
  int holders = 0;
  std::uint64_t sum_bytes = 0;
  for (const EntryRow& row : rows) {
    EXPECT_TRUE(row.ready) << row.key.text();
    EXPECT_TRUE(row.holder_pids.empty()) << row.key.text() << ": a lease outlived its holder";
    sum_bytes += row.size_bytes;
    const Path path = cache.path_of(row.kind, row.key);
    // A kill between the rename and the commit of a removal leaves a row without a folder, which
    // counts as no entry.
    EXPECT_TRUE(!std::filesystem::exists(path) || has_expected_content(path, row.key.text()))
        << row.key.text();
  }
  const auto folder_is_empty = [&](const char* name) {
    return std::filesystem::is_empty(root / name);
  };
  EXPECT_TRUE(folder_is_empty("tmp"));
  std::size_t paths = 0;
  for (const char* folder : {"trees", "envs"})
    for (const auto& entry : std::filesystem::directory_iterator(root / folder)) {
      if (entry.path().filename().native().starts_with("foreign-")) continue;
      ++paths;
      EXPECT_TRUE(std::ranges::any_of(
          rows,
          [&](const EntryRow& row) { return cache.path_of(row.kind, row.key) == entry.path(); }))
          << entry.path() << " has no row";
    }
  EXPECT_LE(paths, rows.size());
  std::uint64_t usage_bytes = 0;
  for (const auto& [kind, usage] : must(cache.usage())) usage_bytes += usage.size_bytes;
  EXPECT_EQ(usage_bytes, sum_bytes);
  for (std::size_t index = 0; index < k_keys; ++index)
    for (int number = 0; number < k_processes; ++number)
      EXPECT_TRUE(g_model->pinned[index][static_cast<std::size_t>(number)] == 0 ||
                  must(cache.find(kind_of(index), key_of(index))))
          << key_of(index).text() << " is pinned, but gone";
  EXPECT_TRUE(must(cache.verify(1)).quarantined.empty());
  must(cache.collect({}, false));
  for (const auto& entry : std::filesystem::directory_iterator(root / "locks")) {
    const std::string name = entry.path().filename().native();
    EXPECT_TRUE(name.starts_with("collector") || name.starts_with("holder-")) << name;
    holders += name.starts_with("holder-") ? 1 : 0;
  }
  EXPECT_LE(holders, 1) << "only this process is a holder";
}

class CacheModel : public testing::TestWithParam<Faults> {};

TEST_P(CacheModel, InvariantsHoldAfterKillsAndErrors) {
  void* shared =
      ::mmap(nullptr, sizeof(Model), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(shared, MAP_FAILED);
  g_model = new (shared) Model{};
  g_faults = GetParam();
  const auto seed =
      static_cast<unsigned>(number_from_environment("RTENV_MODEL_SEED", std::random_device{}()));
  g_model->steps_left =
      static_cast<int>(number_from_environment("RTENV_MODEL_STEPS", k_steps_in_ci));
  RecordProperty("seed", std::to_string(seed));
  std::cout << "RTENV_MODEL_SEED=" << seed << "\n";
  const TempDir folder = must(TempDir::create(folder_for_many_writes()));
  const Path root = folder.path() / "cache";
  must(make_directories(root));
  g_as_other_users = give_to_reachable_user(root);

  std::map<pid_t, int> workers;
  unsigned started = 0;
  for (int number = 0; number < k_processes; ++number)
    workers.emplace(start_worker(root, number, seed + started++), number);
  while (!workers.empty()) {
    int status = 0;
    const pid_t pid = ::wait(&status);
    ASSERT_GT(pid, 0);
    const int number = workers.at(pid);
    workers.erase(pid);
    const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    ASSERT_TRUE(killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
        << "a worker crashed: " << status;
    if (g_model->steps_left <= 0) continue;
    if (g_as_other_users && started <= k_plantings * 8 && started % 8 == 0 &&
        std::filesystem::exists(root / "ledger.db")) {
      plant_foreign_folders(root, started);
      EXPECT_TRUE(is_refused_to(0, root));
      EXPECT_TRUE(is_refused_to(k_other_user, root));
    }
    workers.emplace(start_worker(root, number, seed + started++), number);
  }
  if (g_as_other_users) give_back(root);
  std::cout << g_model->kills << " kills, " << g_model->injected << " failures injected, "
            << started << " processes\n";
  EXPECT_EQ(g_model->violations, 0);
  EXPECT_GT(g_model->kills + g_model->injected, 0);
  check_final_state(root);
  ::munmap(shared, sizeof(Model));
}

INSTANTIATE_TEST_SUITE_P(Faults, CacheModel, testing::Values(Faults::kills, Faults::errors),
                         [](const auto& parameter) {
                           return parameter.param == Faults::kills ? "Kills" : "Errors";
                         });

}  // namespace
}  // namespace rtenv::cache
