// How cache entries are changed for archives, and environments for another path or machine.
//
// A virtualenv contains its own path (in the first lines of scripts, .pth files, pyvenv.cfg) and
// its interpreter's. An archive has placeholders instead; unpacking replaces them by the local
// paths.
//
// __pycache__ folders aren't archived: their files contain paths and times. Links to outside of the
// environment are refused, except those to the interpreter. A compiled file that contains the
// environment's path is archived unchanged, with a warning.
#pragma once

#include <map>

#include "cache/archive.hpp"
#include "cache/kind.hpp"
#include "cache/remote_tier_options.hpp"

namespace rtenv::runtime_env {
struct Interpreter;
}

namespace rtenv::envbuild {

/// The filters for all kinds of entries that can't be archived as they are: for
/// cache::RemoteTierOptions.
std::map<cache::Kind, cache::MakeArchiveFilter> archive_filters();

/// The filter of one environment. Fails: not_found (not an environment of this cache), corrupt, as
/// read.
Result<std::unique_ptr<cache::ArchiveFilter>> make_env_filter(const Path& env);

/// Adapts an unpacked environment to its final path and this interpreter; the counterpart of the
/// filter. Keeps a reference to the interpreter. Fails: invalid_argument (built for another
/// platform or interpreter), corrupt, as written.
cache::Relocate relocate_env_to(const runtime_env::Interpreter& interpreter);

/// Makes a writable copy of an environment at another path, for one job. Shares blocks if the file
/// system can. Requires: `target` doesn't exist. Fails: as make_env_filter, read and written.
Result<void> clone_env(const Path& env, const Path& target,
                       const runtime_env::Interpreter& interpreter);

}  // namespace rtenv::envbuild
