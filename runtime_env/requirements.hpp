// Resolves a package list for the installer: expands variables, reads nested requirements files,
// fetches objects in stores and digests all files. The result is one flat list per phase, and the
// list's part of the environment's key.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "runtime_env/expand.hpp"
#include "runtime_env/package_list.hpp"

namespace rtenv::runtime_env {

/// A folder with a project's source code, or an archive of one. It is copied for the installer,
/// which may write into it.
struct LocalProject {
  Path path;
  std::size_t line = 0;  // index of its empty line in ResolvedRequirements::lines
  std::string extras;
  std::string suffix;
};

struct ResolvedRequirements {
  /// For the requirements file; the lines of local projects are empty until write_requirements has
  /// copied them.
  std::vector<std::string> lines;
  std::vector<std::string> constraints;  // for the constraints file
  std::vector<LocalProject> local_projects;
  std::vector<std::string> install_options;  // expanded
  /// Canonical JSON, an object with `requirements`, `constraints` and `options`. Without locations
  /// and credentials: the same content gives the same key everywhere.
  std::string key_parts;
};

/// Fetches an object and returns its local path, valid at least until the environment is built.
using FetchObject = std::function<Result<Path>(const std::string& uri)>;

/// One list per phase, in the order of installation; never empty.
using ResolvedPhases = std::vector<ResolvedRequirements>;

/// Relative paths are relative to the working directory, or to the current folder if there is none.
/// Fails: as `fetch`; not_found (a wheel, project, --find-links folder or requirements file),
/// invalid_argument (a path with an undefined variable, -e, files that include each other).
Result<ResolvedPhases> resolve_requirements(const PackageList& packages, const Variables& variables,
                                            const FetchObject& fetch);

/// Writes requirements.txt, constraints.txt if there are constraints, and copies of the local
/// projects into `folder`. Returns the installer's arguments that name these files.
Result<std::vector<std::string>> write_requirements(const ResolvedRequirements& resolved,
                                                    const Path& folder);

}  // namespace rtenv::runtime_env
