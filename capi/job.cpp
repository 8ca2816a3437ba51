#include "rtenv/job.hpp"

#include "capi/cache.hpp"

using namespace rtenv;
using capi::check_given;
using capi::run;

struct rtenv_runtime_env {
  RuntimeEnv value;
};

struct rtenv_env_plan {
  EnvPlan plan;
};

struct rtenv_job {
  PreparedJob job;
};

struct rtenv_process {
  Process process;
};

namespace {

Result<EnvOptions> env_options(const rtenv_env_options* given) {
  RTENV_TRY(const rtenv_env_options options, capi::read_struct(given, "options"));
  EnvOptions result;
  RTENV_TRY(capi::read_options(options.options, result));
  if (options.python != nullptr) result.python = options.python;
  if (options.lock != nullptr) result.lock = options.lock;
  result.offline = options.offline != 0;
  if (options.renew < 0 || options.renew > RTENV_RENEW_ALL)
    return Error(Errc::invalid_argument, "options.renew has an unknown value");
  result.renewal.of = static_cast<Renewal::Of>(options.renew);
  result.renewal.max_age = std::chrono::seconds(options.max_age_s);
  if (options.on_output != nullptr)
    result.on_output = [call = options.on_output, user = options.on_output_user](
                           std::string_view text) { call(text.data(), text.size(), user); };
  return result;
}

}  // namespace

rtenv_status rtenv_runtime_env_parse(const char* json, const char* base,
                                     rtenv_runtime_env** runtime_env, rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(check_given({{"json", json}, {"runtime_env", runtime_env}}));
    RTENV_TRY(RuntimeEnv parsed, RuntimeEnv::parse(json, capi::text_of(base)));
    *runtime_env = new rtenv_runtime_env{parsed};
    return {};
  });
}

rtenv_status rtenv_runtime_env_load(const char* file, const char* base,
                                    rtenv_runtime_env** runtime_env, rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(check_given({{"file", file}, {"runtime_env", runtime_env}}));
    RTENV_TRY(RuntimeEnv parsed, RuntimeEnv::load(file, capi::text_of(base)));
    *runtime_env = new rtenv_runtime_env{parsed};
    return {};
  });
}

rtenv_status rtenv_runtime_env_set_working_dir(rtenv_runtime_env* runtime_env,
                                               const char* working_dir, rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(check_given({{"runtime_env", runtime_env}, {"working_dir", working_dir}}));
    return runtime_env->value.set_working_dir(working_dir);
  });
}

rtenv_status rtenv_runtime_env_set_env_var(rtenv_runtime_env* runtime_env, const char* name,
                                           const char* value, rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(check_given({{"runtime_env", runtime_env}, {"name", name}, {"value", value}}));
    return runtime_env->value.set_env_var(name, value);
  });
}

void rtenv_runtime_env_free(rtenv_runtime_env* runtime_env) { delete runtime_env; }

rtenv_status rtenv_plan_env(const rtenv_runtime_env* runtime_env, rtenv_cache* cache,
                            const struct rtenv_env_options* options, rtenv_env_plan** plan,
                            rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(check_given({{"runtime_env", runtime_env}, {"cache", cache}, {"plan", plan}}));
    RTENV_TRY(const EnvOptions read, env_options(options));
    RTENV_TRY(auto planned, plan_env(runtime_env->value, cache->cache, read));
    *plan = planned ? new rtenv_env_plan{std::move(*planned)} : nullptr;
    return {};
  });
}

const char* rtenv_env_plan_key(const rtenv_env_plan* plan) {
  return plan == nullptr ? nullptr : plan->plan.key().c_str();
}

const char* rtenv_env_plan_key_parts(const rtenv_env_plan* plan) {
  return plan == nullptr ? nullptr : plan->plan.key_parts().c_str();
}

rtenv_status rtenv_env_plan_lock(rtenv_env_plan* plan, char** text, rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(check_given({{"plan", plan}, {"text", text}}));
    RTENV_TRY(const std::string locked, plan->plan.lock());
    capi::set_string(text, locked);
    return {};
  });
}

rtenv_status rtenv_env_plan_build(rtenv_env_plan* plan, rtenv_lease** env, int32_t* was_built,
                                  rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(check_given({{"plan", plan}, {"env", env}}));
    RTENV_TRY(BuiltEnv built, plan->plan.build());
    std::string path = built.lease.path().native();
    *env = new rtenv_lease{std::move(path), std::move(built.lease)};
    if (was_built != nullptr) *was_built = built.origin == BuiltEnv::Origin::built ? 1 : 0;
    return {};
  });
}

void rtenv_env_plan_free(rtenv_env_plan* plan) { delete plan; }

rtenv_status rtenv_prepare(const rtenv_runtime_env* runtime_env, rtenv_cache* cache,
                           const struct rtenv_env_options* options, rtenv_job** job,
                           rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(check_given({{"runtime_env", runtime_env}, {"cache", cache}, {"job", job}}));
    RTENV_TRY(const EnvOptions read, env_options(options));
    RTENV_TRY(PreparedJob prepared, prepare(runtime_env->value, cache->cache, read));
    *job = new rtenv_job{std::move(prepared)};
    return {};
  });
}

const char* rtenv_job_working_dir(const rtenv_job* job) {
  return job == nullptr ? nullptr : job->job.working_dir().c_str();
}

const char* rtenv_job_env(const rtenv_job* job) {
  return job == nullptr ? nullptr : job->job.env().c_str();
}

void rtenv_job_free(rtenv_job* job) { delete job; }

rtenv_status rtenv_job_start(rtenv_job* job, const struct rtenv_command* command,
                             rtenv_process** process, rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(check_given({{"job", job}, {"command", command}, {"process", process}}));
    RTENV_TRY(const rtenv_command read, capi::read_struct(command, "command"));
    Command chosen{.argv = capi::strings_of(read.argv)};
    RTENV_TRY(chosen.env_vars, capi::variables_of(read.env_vars, "command.env_vars"));
    if (read.redirects != 0) {
      chosen.input_fd = read.input_fd;
      chosen.output_fd = read.output_fd;
      chosen.error_fd = read.error_fd;
    }
    RTENV_TRY(Process started, job->job.start(chosen));
    *process = new rtenv_process{std::move(started)};
    return {};
  });
}

int32_t rtenv_process_pid(const rtenv_process* process) {
  return process == nullptr ? -1 : process->process.pid();
}

int32_t rtenv_process_poll_fd(const rtenv_process* process) {
  return process == nullptr ? -1 : process->process.poll_fd();
}

void rtenv_process_signal(rtenv_process* process, int32_t number) {
  if (process != nullptr) process->process.signal(number);
}

rtenv_status rtenv_process_wait(rtenv_process* process, rtenv_stop* stop, int32_t* exit_code,
                                rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(check_given({{"process", process}}));
    RTENV_TRY(const Exit ended, process->process.wait(capi::stop_of(stop)));
    if (exit_code != nullptr) *exit_code = ended.signal != 0 ? -ended.signal : ended.code;
    return {};
  });
}

void rtenv_process_detach(rtenv_process* process) {
  if (process != nullptr) process->process.detach();
}

void rtenv_process_free(rtenv_process* process) { delete process; }
