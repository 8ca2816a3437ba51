#include "envbuild/virtual_env.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "base/hash.hpp"
#include "base/json_text.hpp"
#include "base/log.hpp"
#include "envbuild/build_log.hpp"
#include "envbuild/env_archive.hpp"
#include "envbuild/env_description.hpp"
#include "envbuild/fetch.hpp"
#include "envbuild/installer.hpp"
#include "envbuild/lock.hpp"
#include "envbuild/nearest_env.hpp"
#include "envbuild/next_key.hpp"
#include "runtime_env/pinning.hpp"

namespace rtenv::envbuild {
namespace {

constexpr std::size_t k_interpreter_digits = 8;
constexpr auto k_renewal_pause = std::chrono::seconds(60);

// False if the environment was built for another interpreter of the same version, or if its
// interpreter was removed from this machine.
bool has_interpreter(const Path& virtual_env, const runtime_env::Interpreter& interpreter) {
  struct stat found {};
  struct stat wanted {};
  return ::stat((virtual_env / "bin" / "python").c_str(), &found) == 0 &&
         (::stat(interpreter.base_executable.c_str(), &wanted) != 0 ||
          (found.st_dev == wanted.st_dev && found.st_ino == wanted.st_ino));
}

// The environment's key says what the interpreter is, not where: archives fit other machines. A
// further environment, of another interpreter or a renewed one, gets a key that also has its
// interpreter.
Result<cache::Key> key_to_build(const EnvPlan& plan, const std::vector<cache::EntryRow>& cached) {
  const std::string& digits = plan.key.digits;
  const bool is_first =
      std::ranges::none_of(cached, [&](const cache::EntryRow& row) { return row.key == digits; });
  if (is_first) return cache::Key::parse(digits);
  return next_key(
      fmt::format(
          "{}-{}", digits,
          sha256_hex(plan.interpreter.base_executable.native()).substr(0, k_interpreter_digits)),
      cached);
}

struct CachedEnv {
  cache::Lease lease;
  std::int64_t created_ms = 0;
};

// The newest one that has the plan's interpreter.
Result<std::optional<CachedEnv>> find_newest(const EnvPlan& plan, cache::Cache& cache,
                                             const std::vector<cache::EntryRow>& cached) {
  for (const cache::EntryRow& row : cached) {
    if (!has_interpreter(cache.path_of(row.kind, row.key), plan.interpreter)) continue;
    RTENV_TRY(auto lease, cache.find(row.kind, row.key));
    if (lease) return std::optional(CachedEnv{std::move(*lease), row.created_ms});
  }
  return std::optional<CachedEnv>();
}

// One environment that is to be built.
struct EnvBuild {
  const EnvPlan& plan;
  cache::Cache& cache;
  const PrepareOptions& options;
  cache::Key key;
  std::string reason;  // why it is built, for people
  InstallerCache cache_use = InstallerCache::use;
};

std::string conditions_of(const EnvBuild& env) {
  return build_conditions(installer_environment(env.plan.installer_environment, env.options),
                          env.plan.timeout);
}

// Returns the digest of the environment.
Result<std::string> build(const EnvBuild& env, const cache::BuildContext& context) {
  const EnvPlan& plan = env.plan;
  RTENV_TRY(const TempDir scratch, env.cache.make_temp_dir(env.options.cancellation));
  const Environment environment = installer_environment(plan.installer_environment, env.options);
  const Environment machine = installer_environment(env.options.node, env.options);
  // Before the log begins: who waits has files of their own, and needn't fail with this call.
  RTENV_TRY(const InstallerInputs inputs,
            prepare_inputs(plan.packages.installer, plan.phases, plan.inputs, environment,
                           scratch.path(), env.cache, {.cancellation = env.options.cancellation}));
  RTENV_TRY(BuildLog log, BuildLog::begin(env.cache.root(), env.key.text(),
                                          build_conditions(environment, plan.timeout)));
  const InstallRequest request{
      .packages = plan.packages,
      .inputs = inputs,
      .interpreter = plan.interpreter,
      .machine = machine,
      .cache_use = env.cache_use,
      .inherit_site_packages = plan.inherit_site_packages,
      .target = context.target,
      .describe = [&] { return write_env_description(plan.key, context.target); },
      .scratch = scratch.path(),
      .working_dir = plan.working_dir,
      .sandbox = env.options.sandbox,
      .lock_fd = context.lock_fd,
      .timeout = plan.timeout,
      .cancellation = env.options.cancellation,
      .on_output = env.options.on_output,
      .log_fd = log.fd()};
  auto digest = install(request, env.cache);
  if (!digest) return log.fail_with(std::move(digest).error());
  log.succeed();
  return digest;
}

// Builds it, or waits for another process that builds it. The remote tier has no renewed ones.
Result<VirtualEnv> get_or_build(const EnvBuild& env) {
  const EnvPlan& plan = env.plan;
  const PrepareOptions& options = env.options;
  VirtualEnv::Origin origin = VirtualEnv::Origin::cache;
  std::string digest;
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
                     follower.emplace(env.cache.root(), env.key.text(), options.on_output);
                   }},
      .use_remote_tier = env.cache_use == InstallerCache::use,
      .relocate = [&](const Path& folder, const Path& final_path,
                      const nlohmann::json& properties) -> Result<void> {
        RTENV_TRY(relocate_env_to(plan.interpreter)(folder, final_path, properties));
        origin = VirtualEnv::Origin::remote_tier;
        return {};
      },
      .built_digest = [&] { return digest; }};
  auto lease = env.cache.get_or_build(
      cache::Kind::env, env.key,
      [&](const cache::BuildContext& context) -> Result<void> {
        follower.reset();
        if (auto failure =
                failure_since(env.cache.root(), env.key.text(), requested_us, conditions_of(env)))
          return Failure(std::move(*failure));
        log::info("building environment {} with {}: {}", env.key, name(plan.packages.installer),
                  env.reason.empty() ? compare_with_nearest(plan.key, env.cache) : env.reason);
        origin = VirtualEnv::Origin::built;
        RTENV_TRY(digest, build(env, context));
        return {};
      },
      build_options);
  if (!lease && lease.error().code() == Errc::busy)
    return Failure(std::move(lease).error().with_hint(
        "raise config.setup_timeout_seconds in the runtime_env, or end that process"));
  if (!lease) return Failure(std::move(lease).error());
  return VirtualEnv{.lease = std::move(*lease), .origin = origin};
}

// How an installer must look again; `use` if what is cached will do, whatever its age.
InstallerCache renewing_cache_use(const Renewal& renewal,
                                  const std::optional<std::string>& unpinned) {
  if (renewal.of == Renewal::Of::all) return InstallerCache::bypass;
  return renewal.of != Renewal::Of::none && unpinned ? InstallerCache::revalidate
                                                     : InstallerCache::use;
}

bool is_too_old(const Renewal& renewal, const CachedEnv& cached) {
  return renewal.of != Renewal::Of::aged ||
         unix_ms() - cached.created_ms > std::chrono::milliseconds(renewal.max_age).count();
}

// Of a renewal for its age that failed a short time ago: jobs needn't wait for an index that is out
// of reach again and again.
std::optional<Error> recent_failure(const EnvBuild& env) {
  const Renewal& renewal = env.options.renewal;
  if (renewal.of != Renewal::Of::aged) return std::nullopt;
  const std::chrono::microseconds pause =
      std::min(renewal.max_age, std::chrono::seconds(k_renewal_pause));
  return failure_since(env.cache.root(), env.key.text(), boot_time_us() - pause.count(),
                       conditions_of(env));
}

// The newest in the cache instead of the one that can't be built, if only its age is a reason to
// build one.
Result<VirtualEnv> renewal_failed(const Renewal& renewal, CachedEnv cached, Error error) {
  if (error.code() == Errc::cancelled) return Failure(std::move(error));
  if (renewal.of != Renewal::Of::aged)
    return Failure(std::move(error)
                       .within("the environment can't be renewed")
                       .with_hint("the one in the cache is unchanged; it is used unless "
                                  "a new one is asked for"));
  log::warn("the environment can't be renewed, so the one in the cache is used: {}",
            error.message());
  return VirtualEnv{.lease = std::move(cached.lease)};
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
  const runtime_env::FetchObject fetch = [&](const std::string& text) -> Result<Path> {
    RTENV_TRY(const auto uri, remote::Uri::parse(text));
    RTENV_TRY(auto fetched, fetch_file(uri, cache, fetch_options(runtime_env, options)));
    if (fetched.object.lease) leases.push_back(std::move(*fetched.object.lease));
    return std::move(fetched.object.path);
  };
  runtime_env::LocalInputs inputs;
  const runtime_env::ResolveContext context{variables, fetch, inputs, visible_paths(options),
                                            runtime_env.base};
  auto phases = runtime_env::resolve_requirements(packages, context);
  if (!phases)
    return Failure(std::move(phases).error().within(
        fmt::format("runtime_env['{}']", name(packages.installer))));
  RTENV_TRY(runtime_env::Interpreter interpreter,
            runtime_env::find_interpreter(options.python, options.node,
                                          cache.root() / "interpreters", options.cancellation));
  runtime_env::PackageList to_install = packages;
  if (options.lock) {
    RTENV_TRY(to_install, locked_packages(*options.lock, packages, *phases, interpreter));
    inputs = {};
    phases = runtime_env::resolve_requirements(to_install, context);
    if (!phases) return Failure(std::move(phases).error().within(options.lock->native()));
  }
  RTENV_TRY(auto settings, runtime_env::installer_settings(context, packages.installer,
                                                           runtime_env.build_env_vars));
  runtime_env::EnvKey key = runtime_env::make_env_key(to_install, *phases, interpreter, settings,
                                                      runtime_env.inherit_site_packages);
  return std::optional(EnvPlan{.packages = std::move(to_install),
                               .phases = std::move(*phases),
                               .inputs = std::move(inputs),
                               .fetched = std::move(leases),
                               .interpreter = std::move(interpreter),
                               .installer_environment = std::move(settings.environment),
                               .working_dir = variables.working_dir(),
                               .base = runtime_env.base,
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
  const Renewal& renewal = options.renewal;
  const auto unpinned = renewal.of == Renewal::Of::none
                            ? std::nullopt
                            : runtime_env::first_unpinned(json_from_text(plan.key.parts));
  const InstallerCache cache_use = renewing_cache_use(renewal, unpinned);
  RTENV_TRY(const auto rows, cache.ready_entries(cache::Kind::env, plan.key.digits));
  RTENV_TRY(auto cached, find_newest(plan, cache, rows));
  const bool renews = cache_use != InstallerCache::use && cached && is_too_old(renewal, *cached);
  if (cached && !renews) {
    if (renewal.of == Renewal::Of::unpinned)
      log::info("all packages of the environment are pinned: there is nothing to refresh");
    return VirtualEnv{.lease = std::move(cached->lease)};
  }
  RTENV_TRY(cache::Key key, key_to_build(plan, rows));
  std::string reason;
  if (renews)
    reason = unpinned ? fmt::format("again, because {} isn't pinned", *unpinned) : "again";
  const EnvBuild wanted{.plan = plan,
                        .cache = cache,
                        .options = options,
                        .key = std::move(key),
                        .reason = std::move(reason),
                        .cache_use = cache_use};
  if (auto failure = renews ? recent_failure(wanted) : std::nullopt)
    return renewal_failed(renewal, std::move(*cached), std::move(*failure));
  auto env = get_or_build(wanted);
  if (!env && cached) return renewal_failed(renewal, std::move(*cached), std::move(env).error());
  if (env && env->origin == VirtualEnv::Origin::cache &&
      !has_interpreter(env->path(), plan.interpreter))
    return prepare_env(plan, cache, options);  // built by another process for its interpreter
  return env;
}

}  // namespace rtenv::envbuild
