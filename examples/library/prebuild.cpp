// Builds the environment of a runtime_env in advance, as a CI system does, and pushes the job's
// directory to a bucket.
//
//   prebuild runtime_env.yaml DIRECTORY s3://bucket/jobs/
#include <cstdio>
#include <rtenv/environment.hpp>
#include <rtenv/transfer.hpp>

namespace {

int fail(const rtenv::Error& error) {
  std::fprintf(stderr, "%s\n%s\n", error.message().c_str(), error.hint().c_str());
  return rtenv::exit_status(error.code());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return std::fputs("usage: prebuild RUNTIME_ENV DIRECTORY URI\n", stderr), 2;

  auto root = rtenv::Cache::default_root();
  if (!root) return fail(root.error());
  auto cache = rtenv::Cache::open(*root);
  if (!cache) return fail(cache.error());

  auto env = rtenv::RuntimeEnv::load(argv[1]);
  if (!env) return fail(env.error());
  if (auto set = env->set_working_dir(argv[2]); !set) return fail(set.error());

  rtenv::EnvOptions options;
  options.on_output = [](std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stderr);
  };
  auto plan = rtenv::plan_env(*env, *cache, options);
  if (!plan) return fail(plan.error());
  if (*plan) {
    auto built = (*plan)->build();
    if (!built) return fail(built.error());
    std::printf("environment %s\n", built->lease.path().c_str());
  }

  auto pushed = rtenv::push(argv[2], argv[3]);
  if (!pushed) return fail(pushed.error());
  std::printf("working_dir %s\n", pushed->uri.c_str());
}
