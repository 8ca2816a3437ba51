#include "job/setup.hpp"

#include "base/file.hpp"
#include "envbuild/env_archive.hpp"
#include "job/activation.hpp"
#include "job/python_programs.hpp"
#include "runtime_env/expand.hpp"

namespace rtenv::job {

std::vector<int> PreparedJob::keep_fds() const {
  // All leases of a process share one lock.
  if (env_) return {env_->lease.lock_fd()};
  if (source_ && source_->lease) return {source_->lease->lock_fd()};
  for (const auto& module : modules_)
    if (module.lease) return {module.lease->lock_fd()};
  return {};
}

std::optional<Path> PreparedJob::folder() const {
  if (!folder_) return std::nullopt;
  return folder_->path();
}

std::optional<Path> PreparedJob::release_folder() {
  if (!folder_) return std::nullopt;
  return folder_->release();
}

Result<void> PreparedJob::remove_folder() {
  const auto folder = release_folder();
  return folder ? remove_tree(*folder) : Result<void>();
}

Result<Path> PreparedJob::own_folder(cache::Cache& cache, bool keep) {
  if (!folder_) {
    // A folder that may stay can't be in the cache, which removes leftover temporary folders.
    RTENV_TRY(auto folder, keep ? TempDir::create() : cache.make_temp_dir());
    folder_.emplace(std::move(folder));
  }
  return folder_->path();
}

Result<PreparedJob> prepare_job(const runtime_env::RuntimeEnv& runtime_env, cache::Cache& cache,
                                const SetupOptions& options) {
  PreparedJob job;
  RTENV_TRY(job.source_, envbuild::prepare_working_dir(runtime_env, cache, options.prepare));
  RTENV_TRY(job.modules_, envbuild::prepare_py_modules(runtime_env, cache, options.prepare));
  RTENV_TRY(const auto plan, envbuild::plan_env(runtime_env, job.source_, cache, options.prepare));
  if (plan) {
    RTENV_TRY(job.env_, envbuild::prepare_env(*plan, cache, options.prepare));
  }

  // The job gets a writable copy: its changes must not reach the next job.
  if (job.source_ && job.source_->lease) {
    RTENV_TRY(const Path folder, job.own_folder(cache, options.keep_folder));
    job.working_dir_ = folder / "working_dir";
    RTENV_TRY(clone_tree(job.source_->path, job.working_dir_));
  } else if (job.source_) {
    job.working_dir_ = job.source_->path;
  }
  const auto working_dir = job.source_ ? std::optional(job.working_dir_) : std::nullopt;
  const runtime_env::Variables variables(working_dir, runtime_env.env_vars, options.prepare.node);
  ActivationInputs inputs{
      .node = options.prepare.node, .env_vars = variables.env_vars(), .working_dir = working_dir};
  for (const auto& module : job.modules_) inputs.py_modules.push_back(module.path);
  if (job.env_) inputs.virtual_env = job.env_->path();
  if (job.env_ && runtime_env.isolation == runtime_env::Isolation::clone) {
    RTENV_TRY(const Path folder, job.own_folder(cache, options.keep_folder));
    RTENV_TRY(envbuild::clone_env(job.env_->path(), folder / "env", plan->interpreter));
    inputs.virtual_env = folder / "env";
  }
  if (runtime_env.py_executable) {
    RTENV_TRY(const Path folder, job.own_folder(cache, options.keep_folder));
    inputs.programs = folder / "bin";
    RTENV_TRY(write_python_programs(*inputs.programs,
                                    runtime_env::expand(*runtime_env.py_executable, variables)));
  }
  job.environment_ = activate(inputs);
  return job;
}

}  // namespace rtenv::job
