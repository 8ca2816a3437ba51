// Prepares what a job needs besides its command: a writable copy of its directory, its modules, its
// Python environment and its environment variables. Used by `rtenv run` and by the supervisor of a
// submitted job.
#pragma once

#include <optional>
#include <vector>

#include "base/temp_dir.hpp"
#include "envbuild/py_modules.hpp"
#include "envbuild/virtual_env.hpp"

namespace rtenv::job {

struct SetupOptions {
  envbuild::PrepareOptions prepare;
  /// The job's own copies go into a folder that can outlive the job, see release_folder.
  bool keep_folder = false;
};

/// Holds the leases and the folder with the job's own copies: while it lives, nothing of them is
/// removed. Move-only.
class PreparedJob {
 public:
  [[nodiscard]] const Environment& environment() const noexcept { return environment_; }
  /// Empty if the job has none.
  [[nodiscard]] const Path& working_dir() const noexcept { return working_dir_; }
  /// For SpawnOptions::keep_fds: the lock of the leases, which the job's processes keep held even
  /// if this process is killed.
  [[nodiscard]] std::vector<int> keep_fds() const;
  [[nodiscard]] bool built_env() const noexcept {
    return env_ && env_->origin == envbuild::VirtualEnv::Origin::built;
  }
  /// The folder with the job's own copies; nullopt if it has none.
  [[nodiscard]] std::optional<Path> folder() const;
  /// Gives up ownership of the folder, so that it stays. Returns nullopt if there is none.
  std::optional<Path> release_folder();
  /// Removes the folder, if there is one; the leases stay. The destructor does it as well, but can
  /// only log a failure.
  Result<void> remove_folder();

 private:
  friend Result<PreparedJob> prepare_job(const runtime_env::RuntimeEnv&, cache::Cache&,
                                         const SetupOptions&);
  /// Creates the folder on first use.
  Result<Path> own_folder(cache::Cache& cache, bool keep);

  std::optional<envbuild::LeasedPath> source_;
  std::vector<envbuild::LeasedPath> modules_;
  std::optional<envbuild::VirtualEnv> env_;
  std::optional<TempDir> folder_;
  Environment environment_;
  Path working_dir_;
};

/// Fails: as prepare_working_dir, prepare_py_modules, plan_env, prepare_env and clone_env.
Result<PreparedJob> prepare_job(const runtime_env::RuntimeEnv& runtime_env, cache::Cache& cache,
                                const SetupOptions& options);

}  // namespace rtenv::job
