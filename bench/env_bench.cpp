// Preparing an environment that is there, as a job server does it for each job: the key and a
// lease, by one library call and in the parts of it. The environment is built once, by the uv in
// PATH or RTENV_UV. RTENV_BENCH_DIR: where; on a disk, not in memory.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <fstream>

#include "base/temp_dir.hpp"
#include "envbuild/virtual_env.hpp"

namespace rtenv::envbuild {
namespace {

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message());
  return std::move(*result);
}

struct Warm {
  TempDir folder;
  cache::Cache cache;
  RuntimeEnv runtime_env;
  PrepareOptions options;

  static Warm make() {
    const char* chosen =
        std::getenv("RTENV_BENCH_DIR");  // NOLINT(concurrency-mt-unsafe): before any thread
    TempDir folder = must(TempDir::create(chosen != nullptr ? Path(chosen) : Path("/var/tmp")));
    auto cache = must(cache::Cache::open(folder.path() / "cache"));
    RuntimeEnv runtime_env;
    runtime_env.packages = Packages{.requirements = {"six==1.16.0"}};
    return {.folder = std::move(folder),
            .cache = std::move(cache),
            .runtime_env = std::move(runtime_env),
            .options = {.node = Environment::of_process()}};
  }
};

Warm& warm() {
  static Warm instance = [] {
    Warm made = Warm::make();
    must(prepare_env(*must(plan_env(made.runtime_env, std::nullopt, made.cache, made.options)),
                     made.cache, made.options));
    return made;
  }();
  return instance;
}

void Plan(benchmark::State& state) {
  Warm& w = warm();
  for (auto _ : state)
    benchmark::DoNotOptimize(
        must(plan_env(w.runtime_env, std::nullopt, w.cache, w.options))->key.digits);
}

void PlanAndPrepare(benchmark::State& state) {
  Warm& w = warm();
  for (auto _ : state) {
    const auto plan = must(plan_env(w.runtime_env, std::nullopt, w.cache, w.options));
    benchmark::DoNotOptimize(must(prepare_env(*plan, w.cache, w.options)).path());
  }
}

BENCHMARK(Plan)->Unit(benchmark::kMicrosecond);
BENCHMARK(PlanAndPrepare)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace rtenv::envbuild

BENCHMARK_MAIN();
