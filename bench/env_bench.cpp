// Benchmarks of preparing a cached environment, as the job server does for each job: computing the
// key (Plan), and also leasing the environment (PlanAndPrepare). The environment is built once,
// with the uv in PATH or RTENV_UV. RTENV_BENCH_DIR sets the directory, which must be on a disk
// (default /var/tmp).
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <fstream>

#include "base/temp_dir.hpp"
#include "envbuild/virtual_env.hpp"
#include "runtime_env/runtime_env.hpp"

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
  runtime_env::RuntimeEnv runtime_env;
  PrepareOptions options;

  static Warm create() {
    const char* chosen = std::getenv("RTENV_BENCH_DIR");
    TempDir folder = must(TempDir::create(chosen != nullptr ? Path(chosen) : Path("/var/tmp")));
    auto cache = must(cache::Cache::open(folder.path() / "cache"));
    runtime_env::RuntimeEnv runtime_env;
    runtime_env.packages = runtime_env::PackageList{.requirements = {"six==1.16.0"}};
    return {.folder = std::move(folder),
            .cache = std::move(cache),
            .runtime_env = std::move(runtime_env),
            .options = {.node = Environment::of_process()}};
  }
};

Warm& warm() {
  static Warm instance = [] {
    Warm created = Warm::create();
    must(prepare_env(
        *must(plan_env(created.runtime_env, std::nullopt, created.cache, created.options)),
        created.cache, created.options));
    return created;
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
