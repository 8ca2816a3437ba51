// Makes ready what a job needs besides its command: its own copy of its directory, its modules, its
// environment, the variables that its processes see. Shared by `rtenv run` and by the supervisor of
// a submitted job.
#pragma once

#include <optional>
#include <vector>

#include "base/temp_dir.hpp"
#include "envbuild/py_modules.hpp"
#include "envbuild/virtual_env.hpp"

namespace rtenv::job {

struct SetupOptions {
  envbuild::PrepareOptions prepare;
  bool keep_folder = false;  // the job's own copies outlive it
};

/// Everything is kept for as long as this lives: leases, and the folder of the job's own.
/// Move-only.
class PreparedJob {
 public:
  [[nodiscard]] const Environment& environment() const noexcept { return environment_; }
  /// Empty: the job has none.
  [[nodiscard]] const Path& working_dir() const noexcept { return working_dir_; }
  /// For SpawnOptions::keep_fds: what the job's processes hold even when this process is killed.
  [[nodiscard]] std::vector<int> keep_fds() const;
  [[nodiscard]] bool built_env() const noexcept {
    return env_ && env_->origin == envbuild::VirtualEnv::Origin::built;
  }
  /// The folder of the job's own copies; nothing where it has none.
  [[nodiscard]] std::optional<Path> folder() const;
  /// Where it stays after this is gone, if that was asked for and there is one.
  std::optional<Path> release_folder();

 private:
  friend Result<PreparedJob> prepare_job(const runtime_env::RuntimeEnv&, cache::Cache&,
                                         const SetupOptions&);
  Result<Path> own_folder(cache::Cache& cache, bool keep);

  std::optional<envbuild::LeasedPath> source_;
  std::vector<envbuild::LeasedPath> modules_;
  std::optional<envbuild::VirtualEnv> env_;
  std::optional<TempDir> folder_;
  Environment environment_;
  Path working_dir_;
};

/// Fails: as prepare_working_dir, prepare_py_modules, plan_env and prepare_env.
Result<PreparedJob> prepare_job(const runtime_env::RuntimeEnv& runtime_env, cache::Cache& cache,
                                const SetupOptions& options);

}  // namespace rtenv::job
