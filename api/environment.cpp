#include "rtenv/environment.hpp"

#include <nlohmann/json.hpp>

#include "api/call.hpp"
#include "api/duration.hpp"
#include "api/environment.hpp"
#include "api/internals.hpp"
#include "envbuild/lock.hpp"
#include "envbuild/py_modules.hpp"
#include "runtime_env/interpreter.hpp"
#include "runtime_env/yaml.hpp"

namespace rtenv {

using api::Call;
using api::in_call;

static_assert(static_cast<envbuild::Renewal::Of>(Renewal::Of::none) == envbuild::Renewal::Of::none);

namespace {

// The folder that it is now, wherever the process is later. Empty if the current folder is gone.
Path now(const Path& base) {
  std::error_code ignored;
  return base.is_absolute() ? base : std::filesystem::current_path(ignored) / base;
}

}  // namespace

RuntimeEnv::RuntimeEnv() : state_(std::make_unique<State>()) {}
RuntimeEnv::RuntimeEnv(const RuntimeEnv& other) : state_(std::make_unique<State>(*other.state_)) {}
RuntimeEnv& RuntimeEnv::operator=(const RuntimeEnv& other) {
  *state_ = *other.state_;
  return *this;
}
RuntimeEnv::~RuntimeEnv() = default;

Result<RuntimeEnv> RuntimeEnv::parse(std::string_view json, const Path& base) {
  return api::guarded([&]() -> Result<RuntimeEnv> {
    RTENV_TRY(const auto value, runtime_env::parse_json(json, "the runtime_env"));
    RTENV_TRY(auto parsed, runtime_env::parse_runtime_env(value, now(base)));
    return Internals::runtime_env(std::move(parsed));
  });
}

Result<RuntimeEnv> RuntimeEnv::load(const Path& file, const Path& base) {
  return api::guarded([&]() -> Result<RuntimeEnv> {
    RTENV_TRY(auto parsed, runtime_env::load_runtime_env(file, nullptr, now(base)));
    return Internals::runtime_env(std::move(parsed));
  });
}

Result<void> RuntimeEnv::set_working_dir(std::string_view working_dir) {
  return api::guarded([&]() -> Result<void> {
    auto& value = state_->value;
    RTENV_TRY(auto parsed,
              runtime_env::parse_runtime_env({{"working_dir", working_dir}}, value.base));
    value.working_dir = std::move(parsed.working_dir);
    return {};
  });
}

Result<void> RuntimeEnv::set_env_var(std::string_view name, std::string_view value) {
  return api::guarded([&]() -> Result<void> {
    RTENV_TRY(auto parsed, runtime_env::parse_runtime_env({{"env_vars", {{name, value}}}}));
    for (auto& [key, text] : parsed.env_vars)
      state_->value.env_vars.insert_or_assign(key, std::move(text));
    return {};
  });
}

bool RuntimeEnv::has_packages() const noexcept { return state_->value.packages.has_value(); }

namespace api {

Result<envbuild::Renewal> renewal_of(const EnvOptions& options) {
  using Of = envbuild::Renewal::Of;
  RTENV_TRY(const auto max_age, checked_span(options.renewal.max_age, "renewal.max_age"));
  switch (options.renewal.of) {
    case Renewal::Of::none: return envbuild::Renewal();
    case Renewal::Of::all: return envbuild::Renewal{.of = Of::all};
    case Renewal::Of::aged:
      if (!max_age || options.offline) return envbuild::Renewal();
      return envbuild::Renewal::older_than(*max_age);
    case Renewal::Of::unpinned:
      if (!options.offline) return envbuild::Renewal{.of = Of::unpinned};
      return fail(Errc::invalid_argument,
                  "offline and Renewal::Of::unpinned exclude each other: newer versions are "
                  "downloaded");
  }
  return fail(Errc::invalid_argument, "renewal.of has an unknown value");
}

Result<envbuild::PrepareOptions> prepare_options(const EnvOptions& options, Call& call) {
  envbuild::PrepareOptions result{
      .node = call.environment(),
      .python = runtime_env::located_python(options.python, options.base),
      .threads = call.threads(),
      .cancellation = call.cancellation(),
      .on_output = call.on_text(options.on_output),
      .offline = options.offline,
      .credentials = guarded_credentials(options.credentials),
      .on_progress = call.on_progress()};
  if (options.lock) result.lock = call.resolve(*options.lock);
  runtime_env::locate_python(result.node, options.base);
  RTENV_TRY(result.renewal, renewal_of(options));
  return result;
}

}  // namespace api

struct EnvPlan::State {
  envbuild::EnvPlan plan;
  std::optional<envbuild::LeasedPath> working_dir;
  cache::Cache cache;
  EnvOptions options;
};

namespace {

Failure fail_moved() { return fail(Errc::invalid_argument, "the plan was moved elsewhere"); }

}  // namespace

EnvPlan::EnvPlan(std::unique_ptr<State> state) : state_(std::move(state)) {}
EnvPlan::EnvPlan(EnvPlan&& other) noexcept = default;
EnvPlan& EnvPlan::operator=(EnvPlan&& other) noexcept = default;
EnvPlan::~EnvPlan() = default;

const std::string& EnvPlan::key() const noexcept {
  static const std::string none;
  return state_ ? state_->plan.key.digits : none;
}

const std::string& EnvPlan::key_parts() const noexcept {
  static const std::string none;
  return state_ ? state_->plan.key.parts : none;
}

std::string_view EnvPlan::installer() const noexcept {
  return state_ ? runtime_env::name(state_->plan.packages.installer) : "";
}

const std::string& EnvPlan::python_version() const noexcept {
  static const std::string none;
  return state_ ? state_->plan.interpreter.version : none;
}

std::string_view name(BuiltEnv::Origin origin) noexcept {
  return origin > BuiltEnv::Origin::built
             ? ""
             : envbuild::name(static_cast<envbuild::VirtualEnv::Origin>(origin));
}

Result<std::string> EnvPlan::lock() {
  if (!state_) return fail_moved();
  return in_call(state_->options, [&](Call& call) -> Result<std::string> {
    RTENV_TRY(const auto prepare, api::prepare_options(state_->options, call));
    return envbuild::make_lock(state_->plan, state_->working_dir, state_->cache, prepare);
  });
}

Result<BuiltEnv> EnvPlan::build() {
  if (!state_) return fail_moved();
  return in_call(state_->options, [&](Call& call) -> Result<BuiltEnv> {
    RTENV_TRY(const auto prepare, api::prepare_options(state_->options, call));
    RTENV_TRY(auto env, envbuild::prepare_env(state_->plan, state_->cache, prepare));
    return BuiltEnv{.lease = Internals::lease(std::move(env.lease)),
                    .key = key(),
                    .origin = static_cast<BuiltEnv::Origin>(env.origin)};
  });
}

Result<std::optional<EnvPlan>> plan_env(const RuntimeEnv& runtime_env, Cache& cache,
                                        const EnvOptions& options) {
  return in_call(options, [&](Call& call) -> Result<std::optional<EnvPlan>> {
    RTENV_TRY(const auto prepare, api::prepare_options(options, call));
    const runtime_env::RuntimeEnv& value = Internals::of(runtime_env);
    cache::Cache& internal = Internals::of(cache);
    RTENV_TRY(auto working_dir, envbuild::prepare_working_dir(value, internal, prepare));
    RTENV_TRY(auto plan, envbuild::plan_env(value, working_dir, internal, prepare));
    if (!plan) return std::optional<EnvPlan>();
    return std::optional(
        Internals::make<EnvPlan>(std::move(*plan), std::move(working_dir), internal, options));
  });
}

Result<void> fetch_py_modules(const RuntimeEnv& runtime_env, Cache& cache,
                              const EnvOptions& options) {
  return in_call(options, [&](Call& call) -> Result<void> {
    RTENV_TRY(const auto prepare, api::prepare_options(options, call));
    RTENV_TRY(
        envbuild::prepare_py_modules(Internals::of(runtime_env), Internals::of(cache), prepare));
    return {};
  });
}

}  // namespace rtenv
