// Benchmarks of the cache's ledger by number of entries: leasing, opening, listing, selecting
// entries to evict. For comparison, CreateAndRemoveAFile shows what a lease would cost as a file.
// RTENV_BENCH_DIR sets the directory, which must be on a disk (default /var/tmp).
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>

#include "base/database.hpp"
#include "cache/cache.hpp"

namespace rtenv::cache {
namespace {

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message());
  return std::move(*result);
}

Path bench_folder() {
  const char* folder = std::getenv("RTENV_BENCH_DIR");
  return folder != nullptr ? Path(folder) : Path("/var/tmp");
}

// A cache with one entry on disk ("warm") and rows of `rows`-1 others, created once for each
// number.
const Path& cache_of(std::int64_t rows) {
  static std::map<std::int64_t, TempDir> folders;
  if (const auto found = folders.find(rows); found != folders.end()) return found->second.path();
  TempDir folder = must(TempDir::create(bench_folder()));
  {
    Cache cache = must(Cache::open(folder.path()));
    must(cache.get_or_build(Kind::tree, "warm", [](const BuildContext& context) -> Result<void> {
      RTENV_TRY(make_directories(context.target));
      std::ofstream(context.target / "file") << "x";
      return {};
    }));
  }
  auto database = Database::open(folder.path() / "ledger.db");
  const std::string fill = fmt::format(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) "
      "INSERT INTO entry (kind, key, ready, size_bytes, created_ms, last_used_ms) "
      "SELECT 'tree', printf('%032x', i), 1, 100000, i, i FROM n",
      rows - 1);
  if (!database || !database->execute(fill.c_str()))
    throw std::runtime_error("cannot fill the ledger");
  return folders.emplace(rows, std::move(folder)).first->second.path();
}

void LeaseAndRelease(benchmark::State& state) {
  Cache cache = must(Cache::open(cache_of(state.range(0))));
  for (auto _ : state) {
    auto lease = must(cache.find(Kind::tree, "warm"));
    if (!lease) state.SkipWithError("the entry is missing");
  }
}
BENCHMARK(LeaseAndRelease)->Arg(100)->Arg(10'000)->Arg(1'000'000)->Unit(benchmark::kMicrosecond);

void LeaseAndReleaseWithLimits(benchmark::State& state) {
  Cache cache = must(Cache::open(cache_of(state.range(0)), {.limits = {.max_bytes = ~0ULL >> 1U}}));
  for (auto _ : state) benchmark::DoNotOptimize(must(cache.find(Kind::tree, "warm")));
}
BENCHMARK(LeaseAndReleaseWithLimits)->Arg(10'000)->Unit(benchmark::kMicrosecond);

void LeaseWithThousandsHeld(benchmark::State& state) {
  Cache cache = must(Cache::open(cache_of(100)));
  std::vector<std::optional<Lease>> held;
  for (std::int64_t i = 0; i < state.range(0); ++i)
    held.push_back(must(cache.find(Kind::tree, "warm")));
  for (auto _ : state) benchmark::DoNotOptimize(must(cache.find(Kind::tree, "warm")));
}
BENCHMARK(LeaseWithThousandsHeld)->Arg(5'000)->Unit(benchmark::kMicrosecond);

void CreateAndRemoveAFile(benchmark::State& state) {
  const TempDir folder = must(TempDir::create(bench_folder()));
  const std::string path = folder.path() / "lease";
  for (auto _ : state) {
    ::close(::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666));
    ::unlink(path.c_str());
  }
}
BENCHMARK(CreateAndRemoveAFile)->Unit(benchmark::kMicrosecond);

void Open(benchmark::State& state) {
  const Path& root = cache_of(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(must(Cache::open(root)));
}
BENCHMARK(Open)->Arg(100)->Arg(50'000)->Arg(100'000)->Unit(benchmark::kMillisecond);

void List(benchmark::State& state) {
  Cache cache = must(Cache::open(cache_of(state.range(0))));
  for (auto _ : state) benchmark::DoNotOptimize(must(cache.entries()));
}
BENCHMARK(List)->Arg(50'000)->Unit(benchmark::kMillisecond);

void SelectEntriesToEvict(benchmark::State& state) {
  Cache cache = must(Cache::open(cache_of(state.range(0))));
  const Limits limits{.max_bytes = 100'000ULL * 25'000};
  for (auto _ : state) benchmark::DoNotOptimize(must(cache.collect(limits, true)));
}
BENCHMARK(SelectEntriesToEvict)->Arg(50'000)->Unit(benchmark::kMillisecond);

void Usage(benchmark::State& state) {
  Cache cache = must(Cache::open(cache_of(state.range(0))));
  for (auto _ : state) benchmark::DoNotOptimize(must(cache.usage()));
}
BENCHMARK(Usage)->Arg(50'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace rtenv::cache

BENCHMARK_MAIN();
