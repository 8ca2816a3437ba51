#include "envbuild/virtual_env.hpp"

#include <sys/stat.h>

#include "base/hash.hpp"
#include "base/log.hpp"
#include "envbuild/build_log.hpp"
#include "envbuild/env_archive.hpp"
#include "envbuild/env_description.hpp"
#include "envbuild/env_protection.hpp"
#include "envbuild/fetch.hpp"
#include "envbuild/installer.hpp"
#include "envbuild/lock.hpp"

namespace rtenv::envbuild {
namespace {

constexpr std::size_t k_interpreter_digits = 8;

// False if the environment was built for another interpreter of the same version, or if its
// interpreter was removed from this machine.
bool has_interpreter(const Path& virtual_env, const runtime_env::Interpreter& interpreter) {
  struct stat found {};
  struct stat wanted {};
  return ::stat((virtual_env / "bin" / "python").c_str(), &found) == 0 &&
         (::stat(interpreter.base_executable.c_str(), &wanted) != 0 ||
          (found.st_dev == wanted.st_dev && found.st_ino == wanted.st_ino));
}

// The environment's key says what the interpreter is, not where: archives fit other machines. If
// the environment with that key has another interpreter, this one gets a key of its own.
Result<cache::Key> key_with_interpreter(const EnvPlan& plan) {
  return cache::Key::parse(fmt::format(
      "{}-{}", plan.key.digits,
      sha256_hex(plan.interpreter.base_executable.native()).substr(0, k_interpreter_digits)));
}

Environment environment_for(const EnvPlan& plan, const PrepareOptions& options) {
  Environment environment = plan.installer_environment;
  if (options.offline) environment.set("UV_OFFLINE", "1");
  if (options.offline) environment.set("PIP_NO_INDEX", "1");
  if (options.rebuild) environment.set("UV_NO_CACHE", "1");
  return environment;
}

Result<void> build(const EnvPlan& plan, const cache::BuildContext& context, cache::Cache& cache,
                   const PrepareOptions& options) {
  RTENV_TRY(const TempDir scratch, cache.make_temp_dir());
  Environment environment = environment_for(plan, options);
  RTENV_TRY(BuildLog log, BuildLog::begin(cache.root(), plan.key.digits,
                                          build_conditions(environment, plan.timeout)));
  const InstallRequest request{.packages = plan.packages,
                               .phases = plan.phases,
                               .interpreter = plan.interpreter,
                               .environment = std::move(environment),
                               .inherit_site_packages = plan.inherit_site_packages,
                               .target = context.target,
                               .scratch = scratch.path(),
                               .lock_fd = context.lock_fd,
                               .timeout = plan.timeout,
                               .cancellation = options.cancellation,
                               .show_output = options.show_output,
                               .log_fd = log.fd()};
  auto built = install(request, cache);
  if (!built) return log.fail_with(std::move(built).error());
  RTENV_TRY(write_env_description(plan.key, context.target));
  RTENV_TRY(protect_env(context.target));
  log.succeed();
  return {};
}

}  // namespace

Result<std::optional<EnvPlan>> plan_env(const runtime_env::RuntimeEnv& runtime_env,
                                        const std::optional<LeasedPath>& working_dir,
                                        cache::Cache& cache, const PrepareOptions& options) {
  if (!runtime_env.packages) return std::optional<EnvPlan>();
  const runtime_env::PackageList& packages = *runtime_env.packages;
  const runtime_env::Variables variables(
      working_dir ? std::optional(working_dir->path) : std::nullopt, runtime_env.env_vars,
      options.node);
  std::vector<cache::Lease> leases;
  const auto fetch = [&](const std::string& text) -> Result<Path> {
    RTENV_TRY(const auto uri, remote::Uri::parse(text));
    RTENV_TRY(auto fetched, fetch_file(uri, cache, fetch_options(runtime_env, options)));
    if (fetched.object.lease) leases.push_back(std::move(*fetched.object.lease));
    return std::move(fetched.object.path);
  };
  auto phases = runtime_env::resolve_requirements(packages, variables, fetch);
  if (!phases)
    return Failure(std::move(phases).error().within(
        fmt::format("runtime_env['{}']", name(packages.installer))));
  RTENV_TRY(
      runtime_env::Interpreter interpreter,
      runtime_env::find_interpreter(options.python, options.node, cache.root() / "interpreters"));
  runtime_env::PackageList to_install = packages;
  if (options.lock) {
    RTENV_TRY(to_install, locked_packages(*options.lock, packages, *phases, interpreter));
    phases = runtime_env::resolve_requirements(to_install, variables, fetch);
    if (!phases) return Failure(std::move(phases).error().within(options.lock->native()));
  }
  RTENV_TRY(auto settings, runtime_env::installer_settings(variables, packages.installer,
                                                           runtime_env.build_env_vars));
  runtime_env::EnvKey key = runtime_env::make_env_key(to_install, *phases, interpreter, settings,
                                                      runtime_env.inherit_site_packages);
  return std::optional(EnvPlan{.packages = std::move(to_install),
                               .phases = std::move(*phases),
                               .fetched = std::move(leases),
                               .interpreter = std::move(interpreter),
                               .installer_environment = std::move(settings.environment),
                               .timeout = runtime_env.setup_timeout,
                               .inherit_site_packages = runtime_env.inherit_site_packages,
                               .key = std::move(key)});
}

std::string_view name(VirtualEnv::Origin origin) noexcept {
  switch (origin) {
    case VirtualEnv::Origin::cache: return "cache";
    case VirtualEnv::Origin::remote_tier: return "remote tier";
    case VirtualEnv::Origin::archive: return "archive";
    default: return "built";
  }
}

Result<VirtualEnv> prepare_env(const EnvPlan& plan, cache::Cache& cache,
                               const PrepareOptions& options) {
  RTENV_TRY(cache::Key key, cache::Key::parse(plan.key.digits));
  if (options.rebuild) {
    RTENV_TRY([[maybe_unused]] const bool removed, cache.remove(cache::Kind::env, key));
  }
  RTENV_TRY(auto found, cache.find(cache::Kind::env, key));
  if (found && has_interpreter(found->path(), plan.interpreter))
    return VirtualEnv{std::move(*found)};
  if (found) {
    found.reset();
    RTENV_TRY(key, key_with_interpreter(plan));
    log::debug("the environment {} has another interpreter, or one that was removed; using {}",
               plan.key.digits, key);
    RTENV_TRY(found, cache.find(cache::Kind::env, key));
    if (found && !has_interpreter(found->path(), plan.interpreter)) {
      found.reset();  // removed and installed again
      RTENV_TRY([[maybe_unused]] const bool removed, cache.remove(cache::Kind::env, key));
    }
    if (found) return VirtualEnv{std::move(*found)};
  }
  VirtualEnv::Origin origin = VirtualEnv::Origin::cache;
  const std::int64_t requested_us = boot_time_us();
  std::optional<BuildFollower> follower;
  const cache::BuildOptions build_options{
      .wait = {.cancellation = options.cancellation,
               .deadline = plan.timeout
                               ? std::optional(std::chrono::steady_clock::now() + *plan.timeout)
                               : std::nullopt,
               .on_wait =
                   [&] {
                     log::info("another process is building this environment; waiting for it");
                     follower.emplace(cache.root(), plan.key.digits,
                                      options.show_output ? BuildFollower::Detail::all_lines
                                                          : BuildFollower::Detail::last_line);
                   }},
      .use_remote_tier = true,
      .relocate = [&](const Path& folder, const Path& final_path,
                      const nlohmann::json& properties) -> Result<void> {
        RTENV_TRY(relocate_env_to(plan.interpreter)(folder, final_path, properties));
        origin = VirtualEnv::Origin::remote_tier;
        return {};
      }};
  auto lease = cache.get_or_build(
      cache::Kind::env, key,
      [&](const cache::BuildContext& context) -> Result<void> {
        follower.reset();
        if (auto failure =
                failure_since(cache.root(), plan.key.digits, requested_us,
                              build_conditions(environment_for(plan, options), plan.timeout)))
          return Failure(std::move(*failure));
        log::info("building environment {} with {}", plan.key.digits,
                  name(plan.packages.installer));
        origin = VirtualEnv::Origin::built;
        return build(plan, context, cache, options);
      },
      build_options);
  if (!lease && lease.error().code() == Errc::busy)
    return Failure(std::move(lease).error().with_hint(
        "raise config.setup_timeout_seconds in the runtime_env, or end that process"));
  if (!lease) return Failure(std::move(lease).error());
  return VirtualEnv{.lease = std::move(*lease), .origin = origin};
}

}  // namespace rtenv::envbuild
