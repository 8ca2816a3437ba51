// Prepares what a job needs besides its command: a directory of its own, its modules, its Python
// environment and its environment variables. Used by `rtenv run` and by the supervisor of a
// submitted job.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <vector>

#include "base/mount_plan.hpp"
#include "base/temp_dir.hpp"
#include "envbuild/py_modules.hpp"
#include "envbuild/virtual_env.hpp"
#include "job/job_copy.hpp"

namespace rtenv::job {

struct SetupOptions {
  envbuild::PrepareOptions prepare;
  /// The job's directory is a copy in a folder that can outlive the job, see release_folder.
  bool keep_folder = false;
  /// See choose_directory_policy.
  std::atomic<bool>* overlays_work = nullptr;
};

/// Holds the leases and the folder with the job's own files: while it lives, nothing of them is
/// removed. Move-only.
class PreparedJob {
 public:
  [[nodiscard]] const Environment& environment() const noexcept { return environment_; }
  /// Empty if the job has none. An overlay is only mounted for the job's processes: see
  /// prepare_child.
  [[nodiscard]] const Path& working_dir() const noexcept { return working_dir_; }
  /// For SpawnOptions::keep_fds: the lock of the leases, which the job's processes keep held even
  /// if this process is killed.
  [[nodiscard]] std::vector<int> keep_fds() const;
  /// For SpawnOptions::prepare_child: mounts what the job needs. Empty if it needs no mounts. It
  /// owns what it uses.
  [[nodiscard]] std::function<const char*()> prepare_child() const;
  /// Null if it needs no mounts. For several processes: see SharedMounts.
  [[nodiscard]] const MountPlan* mounts() const noexcept { return mounts_ ? &*mounts_ : nullptr; }
  /// Empty if the job has none.
  [[nodiscard]] Path env_path() const {
    if (cloned_env_) return *cloned_env_;
    return env_ ? env_->path() : Path();
  }
  [[nodiscard]] bool built_env() const noexcept {
    return env_ && env_->origin == envbuild::VirtualEnv::Origin::built;
  }
  /// What the job needs to read: its interpreter, and its parts of the cache.
  [[nodiscard]] std::vector<Path> interpreter_paths() const;
  [[nodiscard]] std::vector<Path> readable_folders() const;
  /// What it may write to: the folders that are its own.
  [[nodiscard]] std::vector<Path> writable_folders() const;
  /// Gives up ownership of the folder with the job's own files, so that it stays. Returns nullopt
  /// if there is none.
  std::optional<Path> release_folder();
  /// Whether no other copy of the job's directory is unused: see make_spare_copy.
  [[nodiscard]] bool took_last_copy() const noexcept;
  /// Makes a copy for another job with the same directory. May be called on another thread. Fails:
  /// as job::make_spare_copy.
  Result<void> make_spare_copy(cache::Cache& cache, const Cancellation* cancellation) const;
  /// Removes from the job's copy of its directory what the job added, so that the space is free
  /// again, and lets other jobs take it. Requires: all of the job's processes have ended. Fails: as
  /// JobCopy::repair.
  Result<void> give_back_copy(const Cancellation* cancellation);
  /// The same, but the next job with this directory repairs it. Fails: as JobCopy::give_back.
  Result<void> give_back_unrepaired_copy(const Cancellation* cancellation);
  /// Whether jobs can't store the compiled Python code of the environment, and nobody has yet.
  [[nodiscard]] bool has_uncompiled_env() const;
  /// Compiles it. For the time after the job's end: it may take seconds, once for each environment.
  /// Requires: has_uncompiled_env(). Fails: as job::compile_env.
  Result<void> compile_env(const Cancellation* cancellation) const;

 private:
  friend class JobSetup;

  std::optional<envbuild::LeasedPath> source_;
  std::vector<envbuild::LeasedPath> modules_;
  std::optional<envbuild::VirtualEnv> env_;
  std::optional<runtime_env::Interpreter> interpreter_;  // of env_
  std::optional<JobCopy> copy_;
  std::optional<TempDir> folder_;
  std::optional<MountPlan> mounts_;
  Environment environment_;
  Path working_dir_;
  bool owns_working_dir_ = false;
  std::optional<Path> cloned_env_;
};

/// Fails: as prepare_working_dir, prepare_py_modules, plan_env, prepare_env, clone_env and
/// choose_directory_policy.
Result<PreparedJob> prepare_job(const runtime_env::RuntimeEnv& runtime_env, cache::Cache& cache,
                                const SetupOptions& options);

}  // namespace rtenv::job
