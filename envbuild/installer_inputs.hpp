// Everything that an installer reads, in a form that nobody else changes: lists of requirements,
// and copies of the local files and folders that they, the options and the variables name. See
// runtime_env/local_input.hpp.
//
//   SCRATCH/inputs/N/NAME    the copy of the N-th input
//   SCRATCH/projects/…       the copies of projects, which lie to each other as the originals do
//   SCRATCH/phase-N/         requirements.txt and constraints.txt
//
// A wheel is copied into the cache instead, under a path of its content: uv keeps wheels unpacked
// by path, so that a new path for each build would leave a new unpacked wheel behind each time.
#pragma once

#include "base/environment.hpp"
#include "envbuild/leased_path.hpp"
#include "runtime_env/requirements.hpp"

namespace rtenv::envbuild {

struct InstallerInputs {
  /// Per phase: the installer's arguments that say what to install, and how.
  std::vector<std::vector<std::string>> arguments;
  Environment environment;
  std::vector<Path> copies;  // of each input
  std::vector<cache::Lease> leases;
};

/// `environment` is with marks of the inputs. Requires: `scratch` is the installer's current
/// folder. Fails: changed (an input, since it was planned), corrupt (the cache's copy of
/// a wheel is damaged), as copy_input, write_requirements, pass_secrets_by_variable and the cache.
Result<InstallerInputs> prepare_inputs(runtime_env::InstallerKind installer,
                                       const runtime_env::ResolvedPhases& phases,
                                       const runtime_env::LocalInputs& inputs,
                                       const Environment& environment, const Path& scratch,
                                       cache::Cache& cache, const WaitOptions& wait);

}  // namespace rtenv::envbuild
