// A package list made ready: variables expanded, nested files read in, files of stores fetched, all
// files digested. What comes out is one flat list for the installer, and the parts of the
// environment's key that the list decides.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "runtime_env/expand.hpp"
#include "runtime_env/runtime_env.hpp"

namespace rtenv::runtime_env {

/// A source folder or archive in the list. An installer may write into a source folder; so it gets
/// a copy of its own.
struct LocalSource {
  Path path;
  std::size_t line =
      0;  // index into ResolvedRequirements::lines, whose text is made by write_requirements
  std::string extras;
  std::string suffix;
};

struct ResolvedRequirements {
  std::vector<std::string> lines;  // for the requirements file; empty where a LocalSource stands
  std::vector<std::string> constraints;  // for a constraints file
  std::vector<LocalSource> sources;
  std::vector<std::string> install_options;  // expanded
  // Canonical, without locations and credentials: the same content gives the same key anywhere.
  nlohmann::json key_parts;
};

/// Brings an object of a store here and keeps it for as long as the environment is built.
using FetchObject = std::function<Result<Path>(const std::string& uri)>;

/// The lists of all phases, in their order; never empty.
using ResolvedPhases = std::vector<ResolvedRequirements>;

/// Fails: as `fetch`; not_found (a wheel, source or requirements file: the expanded path, and the
/// variable that didn't expand), invalid_argument (-e; files that include each other).
Result<ResolvedPhases> resolve_requirements(const Packages& packages, const Variables& variables,
                                            const FetchObject& fetch);

/// Writes requirements.txt and, where there are constraints, constraints.txt into `folder`, and
/// copies of the sources. Returns the arguments that make an installer read them.
Result<std::vector<std::string>> write_requirements(const ResolvedRequirements& resolved,
                                                    const Path& folder);

}  // namespace rtenv::runtime_env
