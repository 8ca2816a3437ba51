// Benchmarks of a job's working directory with 10,000 files: copying it, and taking a copy that
// another job used. For comparison, CopyWithCp runs `cp -a`. RTENV_BENCH_DIR sets the directory,
// which must be on a disk (default /var/tmp).
#include <benchmark/benchmark.h>
#include <fcntl.h>

#include <cstdlib>
#include <fstream>
#include <optional>

#include "cache/cache.hpp"
#include "job/job_copy.hpp"

namespace rtenv::job {
namespace {

constexpr int k_folders = 500;
constexpr int k_files_per_folder = 20;

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

Path bench_folder() {
  const char* folder = std::getenv("RTENV_BENCH_DIR");
  return folder != nullptr ? Path(folder) : Path("/var/tmp");
}

// Folders in three levels; files of 0 to 12 KB.
Result<void> build_tree(const cache::BuildContext& context) {
  for (int i = 0; i < k_folders; ++i) {
    const Path folder = context.target / fmt::format("a{}/b{}/c{}", i % 5, i % 50, i);
    RTENV_TRY(make_directories(folder));
    for (int file = 0; file < k_files_per_folder; ++file)
      std::ofstream(folder / fmt::format("module_{}.py", file))
          << std::string(static_cast<std::size_t>((i * file) % 12'000), 'x');
  }
  return {};
}

struct Setting {
  TempDir folder = must(TempDir::create(bench_folder()));
  cache::Cache cache = must(cache::Cache::open(folder.path()));
  cache::Lease tree = must(cache.get_or_build(cache::Kind::tree, "tree", build_tree));
};

Setting& setting() {
  static Setting one;
  return one;
}

void CloneTree(benchmark::State& state) {
  const Path to = setting().folder.path() / "clone";
  for (auto _ : state) {
    must(clone_tree(setting().tree.path(), to, {.threads = static_cast<unsigned>(state.range(0))}));
    state.PauseTiming();
    must(remove_tree(to));
    state.ResumeTiming();
  }
}
BENCHMARK(CloneTree)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime();

void CopyWithCp(benchmark::State& state) {
  const Path to = setting().folder.path() / "cp";
  const std::string command =
      fmt::format("cp -a '{}' '{}'", setting().tree.path().native(), to.native());
  for (auto _ : state) {
    if (std::system(command.c_str()) != 0) state.SkipWithError("cp fails");
    state.PauseTiming();
    must(remove_tree(to));
    state.ResumeTiming();
  }
}
BENCHMARK(CopyWithCp)->Unit(benchmark::kMillisecond)->UseRealTime();

// The argument: the number of files that the last job changed.
void TakeCopy(benchmark::State& state) {
  Setting& at = setting();
  for (auto _ : state) {
    const JobCopy copy = must(JobCopy::take(at.cache, at.tree, at.tree.path(), {}));
    state.PauseTiming();
    for (int i = 0; i < state.range(0); ++i)
      std::ofstream(copy.path() / fmt::format("a{}/b{}/c{}/module_1.py", i % 5, i % 50, i)) << "#";
    state.ResumeTiming();
  }
}
BENCHMARK(TakeCopy)->Arg(0)->Arg(10)->Arg(400)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace rtenv::job

BENCHMARK_MAIN();
