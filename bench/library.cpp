// What calls of the library take when everything is in the cache: medians.
//
//   library RUNTIME_ENV WORKING_DIR TREE [ROUNDS]     with the cache in RTENV_CACHE_DIR
//
// WORKING_DIR: "" for none. TREE is the directory that is named.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

#include "rtenv/job.hpp"
#include "rtenv/package.hpp"

namespace {

using Clock = std::chrono::steady_clock;

template <class Value>
Value must(rtenv::Result<Value> result) {
  if (result) return *std::move(result);
  std::fprintf(stderr, "%s\n", result.error().message().c_str());
  std::exit(1);
}

void measure(const char* what, int rounds, const std::function<void()>& call) {
  call();  // the first one may fill the cache
  std::vector<double> times_us;
  for (int i = 0; i < rounds; ++i) {
    const auto begin = Clock::now();
    call();
    times_us.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
  }
  std::ranges::sort(times_us);
  std::printf("%-55s %9.1f us\n", what, times_us[times_us.size() / 2]);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4)
    return std::fputs("usage: library RUNTIME_ENV WORKING_DIR TREE [ROUNDS]\n", stderr), 2;
  const int rounds = argc > 4 ? std::atoi(argv[4]) : 500;
  rtenv::Cache cache = must(rtenv::Cache::open(must(rtenv::Cache::default_root())));
  rtenv::RuntimeEnv env = must(rtenv::RuntimeEnv::load(argv[1]));
  if (*argv[2] != '\0' && !env.set_working_dir(argv[2])) return 1;

  std::optional<rtenv::EnvPlan> plan = must(rtenv::plan_env(env, cache));
  if (!plan) return std::fputs("the runtime_env names no packages\n", stderr), 2;
  measure("build() of an environment in the cache, and its lease", rounds,
          [&] { (void)must(plan->build()); });
  measure("the same with its plan_env()", rounds,
          [&] { (void)must(must(rtenv::plan_env(env, cache))->build()); });
  measure("prepare() of a job with it, and release()", rounds,
          [&] { must(rtenv::prepare(env, cache)).release(); });
  measure("the same, and start() and wait() of /bin/true", rounds / 5, [&] {
    rtenv::PreparedJob job = must(rtenv::prepare(env, cache));
    (void)must(must(job.start({.argv = {"/bin/true"}})).wait());
    job.release();
  });
  const std::string key = must(plan->build()).lease.path().filename().native();
  measure("find() of an entry, and release() of its lease", rounds,
          [&] { (void)must(cache.find(rtenv::EntryKind::env, key)); });
  rtenv::PackOptions options;
  options.digest_cache = cache.digest_folder();
  measure("name_directory() of the unchanged tree", std::max(rounds / 25, 5),
          [&] { (void)must(rtenv::name_directory(argv[3], options)); });
  return 0;
}
