// Resolves a package list for the installer: expands variables, reads nested requirements files,
// fetches objects in stores and digests all files. The result is one flat list per phase, and the
// list's part of the environment's key.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "runtime_env/expand.hpp"
#include "runtime_env/local_input.hpp"
#include "runtime_env/package_list.hpp"

namespace rtenv::runtime_env {

/// All texts are with the marks of local inputs.
struct ResolvedRequirements {
  std::vector<std::string> lines;            // for the requirements file
  std::vector<std::string> constraints;      // for the constraints file
  std::vector<std::string> install_options;  // words of the installer's command line
  /// Canonical JSON, an object with `requirements`, `constraints` and `options`. Without locations
  /// and credentials: the same content gives the same key everywhere.
  std::string key_parts;
};

/// Fetches an object and returns its local path, valid at least until the environment is built.
using FetchObject = std::function<Result<Path>(const std::string& uri)>;

/// Whether a job may name a local path. Fails: permission_denied.
using PathCheck = std::function<Result<void>(const Path&)>;

/// What the meaning of a list depends on, and the inputs that are found on the way. Relative paths
/// are relative to the working directory, or to `base` if there is none.
struct ResolveContext {
  const Variables& variables;
  const FetchObject& fetch;
  LocalInputs& inputs;
  /// Of paths outside of the working directory; empty: any may be named.
  PathCheck path_check = {};
  Path base = {};  // empty: the current folder

  /// Of a local path that the job names: a sandboxed one mustn't name what it doesn't see, since
  /// rtenv reads it outside of the sandbox. Fails: permission_denied.
  [[nodiscard]] Result<void> check_path(const Path& path) const;
  /// Checks the file that was opened, whatever the path leads to meanwhile. Fails: as check_path
  /// and open_regular_file.
  [[nodiscard]] Result<std::string> read_visible_file(const Path& path) const;
};

/// One list per phase, in the order of installation; never empty.
using ResolvedPhases = std::vector<ResolvedRequirements>;

/// Fails: as `fetch` and ResolveContext::check_path; not_found (a wheel, project, --find-links
/// folder or requirements file), invalid_argument (a path with an undefined variable, -e, files
/// that include each other, what isn't a requirement or can't be a constraint), corrupt (a file
/// without its pinned digest).
Result<ResolvedPhases> resolve_requirements(const PackageList& packages,
                                            const ResolveContext& context);

/// A list that an option or a variable names, with the files that it names itself.
struct ResolvedList {
  LocalInputs::Index input;
  std::string key_part;  // as ResolvedRequirements::key_parts
};
/// Of constraints, or of overrides and the like. Fails: as resolve_requirements.
Result<ResolvedList> resolve_list(const std::string& file, const ResolveContext& context);

/// The path of a folder or file that `value` is the path or "file:" URL of, if it exists.
std::optional<Path> existing_path(std::string_view value);

/// Writes requirements.txt, and constraints.txt if there are constraints, into `folder`. Returns
/// the installer's arguments that name these files, and the install options.
Result<std::vector<std::string>> write_requirements(const ResolvedRequirements& resolved,
                                                    const std::vector<Path>& copies,
                                                    const Path& folder);

}  // namespace rtenv::runtime_env
