#include "job/setup.hpp"

#include <unistd.h>

#include "base/file.hpp"
#include "base/log.hpp"
#include "envbuild/env_archive.hpp"
#include "job/activation.hpp"
#include "job/compiled_env.hpp"
#include "job/directory_policy.hpp"
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

std::function<const char*()> PreparedJob::prepare_child() const {
  if (!mounts_) return {};
  return [plan = *mounts_] { return plan.enter(); };
}

std::vector<Path> PreparedJob::interpreter_paths() const {
  return interpreter_ ? interpreter_->needed_paths() : std::vector<Path>();
}

std::vector<Path> PreparedJob::readable_folders() const {
  std::vector<Path> paths;
  if (env_) paths.push_back(env_->path());
  for (const auto& module : modules_) paths.push_back(module.path);
  if (source_ && !owns_working_dir_) paths.push_back(working_dir_);
  if (folder_) paths.push_back(folder_->path());
  return paths;
}

std::vector<Path> PreparedJob::writable_folders() const {
  std::vector<Path> folders;
  if (owns_working_dir_) folders.push_back(working_dir_);
  if (cloned_env_) folders.push_back(*cloned_env_);
  return folders;
}

bool PreparedJob::took_last_copy() const noexcept { return copy_ && copy_->is_last(); }

Result<void> PreparedJob::make_spare_copy(cache::Cache& cache,
                                          const Cancellation* cancellation) const {
  return job::make_spare_copy(cache, *source_->lease, source_->path,
                              {.threads = 1, .cancellation = cancellation});
}

Result<void> PreparedJob::give_back_copy(const Cancellation* cancellation) {
  if (!copy_) return {};
  auto done = copy_->repair({.threads = 0, .cancellation = cancellation});
  copy_.reset();
  return done;
}

Result<void> PreparedJob::give_back_unrepaired_copy(const Cancellation* cancellation) {
  if (!copy_) return {};
  auto done = copy_->give_back({.threads = 0, .cancellation = cancellation});
  copy_.reset();
  return done;
}

std::optional<Path> PreparedJob::release_folder() {
  if (!folder_) return std::nullopt;
  return folder_->release();
}

bool PreparedJob::has_uncompiled_env() const {
  return mounts_ && env_ && !cloned_env_ && !is_compiled(env_->path());
}

Result<void> PreparedJob::compile_env(const Cancellation* cancellation) const {
  RTENV_TRY(job::compile_env(interpreter_->base_executable, env_->path(), env_->lease.lock_fd(),
                             cancellation));
  return env_->lease.measure_again();
}

namespace {

// root may write to write-protected files.
bool permissions_bind() { return ::geteuid() != 0; }

// The leased path, if its entry's folder were `folder`.
Path moved_below(const envbuild::LeasedPath& leased, const Path& folder) {
  return (folder / leased.path.lexically_relative(leased.lease->path())).lexically_normal();
}

}  // namespace

class JobSetup {
 public:
  JobSetup(const runtime_env::RuntimeEnv& runtime_env, cache::Cache& cache,
           const SetupOptions& options)
      : runtime_env_(runtime_env), cache_(cache), options_(options) {}

  Result<PreparedJob> run();

 private:
  Result<void> lease_entries();
  Result<void> prepare_directory();
  Result<void> copy_directory(const envbuild::LeasedPath& source);
  Result<void> protect(envbuild::LeasedPath& tree);
  Result<void> prepare_modules();
  Result<void> clone_env();
  Result<void> activate();
  void plan_mounts();
  /// Creates the folder on first use.
  Result<Path> own_folder();
  [[nodiscard]] bool uses_cache() const { return !job_.keep_fds().empty(); }
  [[nodiscard]] bool has_mounts() const { return policy_.mode == DirectoryMode::overlay; }

  const runtime_env::RuntimeEnv& runtime_env_;
  cache::Cache& cache_;
  const SetupOptions& options_;
  DirectoryPolicy policy_;
  std::optional<envbuild::EnvPlan> env_plan_;
  std::optional<Overlay> overlay_;
  PreparedJob job_;
};

Result<PreparedJob> JobSetup::run() {
  RTENV_TRY(lease_entries());
  if (uses_cache()) {
    RTENV_TRY(policy_,
              choose_directory_policy(options_.prepare.node, cache_, options_.overlays_work));
    log::debug("the job's directory is {}: {}", has_mounts() ? "an overlay" : "a copy",
               policy_.reason);
  }
  RTENV_TRY(prepare_modules());
  RTENV_TRY(prepare_directory());
  RTENV_TRY(clone_env());
  RTENV_TRY(activate());
  plan_mounts();
  return std::move(job_);
}

Result<void> JobSetup::lease_entries() {
  RTENV_TRY(job_.source_, envbuild::prepare_working_dir(runtime_env_, cache_, options_.prepare));
  RTENV_TRY(job_.modules_, envbuild::prepare_py_modules(runtime_env_, cache_, options_.prepare));
  RTENV_TRY(env_plan_, envbuild::plan_env(runtime_env_, job_.source_, cache_, options_.prepare));
  if (env_plan_) {
    RTENV_TRY(job_.env_, envbuild::prepare_env(*env_plan_, cache_, options_.prepare));
    job_.interpreter_ = env_plan_->interpreter;
  }
  return {};
}

Result<Path> JobSetup::own_folder() {
  if (!job_.folder_) {
    // A folder that may stay can't be in the cache, which removes leftover temporary folders.
    RTENV_TRY(auto folder, options_.keep_folder
                               ? TempDir::create()
                               : cache_.make_temp_dir(options_.prepare.cancellation));
    job_.folder_.emplace(std::move(folder));
  }
  return job_.folder_->path();
}

// A job that can write to its directory gets one of its own: its changes must not reach the next
// job.
Result<void> JobSetup::prepare_directory() {
  if (!job_.source_) return {};
  envbuild::LeasedPath& source = *job_.source_;
  const bool wants_shared = runtime_env_.working_dir_use == runtime_env::WorkingDirUse::shared;
  const bool is_shared = wants_shared && (has_mounts() || permissions_bind());
  if (is_shared && !has_mounts()) RTENV_TRY(protect(source));
  if (is_shared || !source.lease) {
    job_.working_dir_ = source.path;
    return {};
  }
  job_.owns_working_dir_ = true;
  if (has_mounts() && !options_.keep_folder) {
    RTENV_TRY(const Path folder, own_folder());
    overlay_ = Overlay{.lower = source.path, .folder = folder};
    job_.working_dir_ = overlay_->target();
    return make_overlay_folders(*overlay_);
  }
  return copy_directory(source);
}

Result<void> JobSetup::copy_directory(const envbuild::LeasedPath& source) {
  const unsigned threads = options_.prepare.threads;
  const Cancellation* const cancellation = options_.prepare.cancellation;
  RTENV_TRY(const bool recycles, JobCopy::is_supported(cache_));
  if (recycles && !options_.keep_folder) {
    RTENV_TRY(job_.copy_, JobCopy::take(cache_, *source.lease, source.path,
                                        {.threads = threads, .cancellation = cancellation}));
    job_.working_dir_ = job_.copy_->path();
    return {};
  }
  RTENV_TRY(const Path folder, own_folder());
  job_.working_dir_ = folder / "working_dir";
  return clone_tree(source.path, job_.working_dir_,
                    {.threads = threads, .cancellation = cancellation});
}

// Jobs use modules in place. A job must not change them for others: see decision 15.
Result<void> JobSetup::prepare_modules() {
  if (has_mounts()) return {};
  std::size_t count = 0;
  for (envbuild::LeasedPath& module : job_.modules_) {
    if (permissions_bind()) {
      RTENV_TRY(protect(module));
    } else if (module.lease) {
      RTENV_TRY(const Path folder, own_folder());
      const Path copy = folder / "modules" / std::to_string(count++);
      RTENV_TRY(make_directories(copy));
      RTENV_TRY(clone_tree(
          module.lease->path(), copy / "tree",
          {.threads = options_.prepare.threads, .cancellation = options_.prepare.cancellation}));
      module.path = moved_below(module, copy / "tree");
    }
  }
  return {};
}

// Replaces the tree by its write-protected copy. The tree itself keeps its permissions, because
// overlays and copies show them to other jobs.
Result<void> JobSetup::protect(envbuild::LeasedPath& tree) {
  if (!tree.lease) return {};
  const auto build = [&](const cache::BuildContext& context) -> Result<void> {
    RTENV_TRY(make_directories(context.target));
    return clone_tree(
        tree.lease->path(), context.target / "tree",
        {.threads = options_.prepare.threads, .cancellation = options_.prepare.cancellation});
  };
  RTENV_TRY(auto lease,
            cache_.get_or_build(cache::Kind::read_only_tree, tree.lease->key(), build,
                                {.wait = {.cancellation = options_.prepare.cancellation}}));
  tree.path = moved_below(tree, lease.path() / "tree");
  tree.lease.emplace(std::move(lease));
  return {};
}

Result<void> JobSetup::clone_env() {
  if (!job_.env_ || runtime_env_.isolation != runtime_env::Isolation::clone) return {};
  RTENV_TRY(const Path folder, own_folder());
  job_.cloned_env_ = folder / "env";
  return envbuild::clone_env(job_.env_->path(), *job_.cloned_env_, env_plan_->interpreter);
}

Result<void> JobSetup::activate() {
  const auto working_dir = job_.source_ ? std::optional(job_.working_dir_) : std::nullopt;
  const runtime_env::Variables variables(working_dir, runtime_env_.env_vars, options_.prepare.node);
  ActivationInputs inputs{
      .node = options_.prepare.node, .env_vars = variables.env_vars(), .working_dir = working_dir};
  for (const auto& module : job_.modules_) inputs.py_modules.push_back(module.path);
  if (job_.env_) inputs.virtual_env = job_.cloned_env_.value_or(job_.env_->path());
  if (runtime_env_.py_executable) {
    RTENV_TRY(const Path folder, own_folder());
    inputs.programs = folder / "bin";
    RTENV_TRY(write_python_programs(*inputs.programs,
                                    runtime_env::expand(*runtime_env_.py_executable, variables)));
  }
  job_.environment_ = job::activate(inputs);
  return {};
}

void JobSetup::plan_mounts() {
  if (!has_mounts()) return;
  MountPlan::Inputs inputs{.overlay = overlay_,
                           .read_only = cache_.root(),
                           .writable = {},
                           .own_user_namespace = policy_.own_user_namespace};
  if (job_.cloned_env_ && !options_.keep_folder) inputs.writable.push_back(*job_.cloned_env_);
  job_.mounts_.emplace(inputs);
}

Result<PreparedJob> prepare_job(const runtime_env::RuntimeEnv& runtime_env, cache::Cache& cache,
                                const SetupOptions& options) {
  return JobSetup(runtime_env, cache, options).run();
}

}  // namespace rtenv::job
