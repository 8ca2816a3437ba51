// Environments on their way to another machine. A virtualenv knows where it lies (the first lines
// of its scripts, .pth files, pyvenv.cfg) and where its interpreter is: in a pack, names stand in
// their places, and whoever takes it over puts in its own.
//
// Not packed: __pycache__, whose files hold paths and times. Refused: links out of the environment,
// but for those to the interpreter. A compiled file that holds the environment's path is packed as
// it is, with a warning.
#pragma once

#include "cache/archive.hpp"
#include "runtime_env/env_key.hpp"

namespace rtenv::envbuild {

/// Beside what an installer makes, at the top of an environment: what it was made from.
inline constexpr const char* k_env_description = "rtenv-env.json";

/// Fails: as written.
Result<void> describe_env(const runtime_env::EnvKey& key, const Path& env);

/// What `describe_env` wrote: the parts of the key. Fails: not_found (made by an older rtenv),
/// corrupt.
Result<nlohmann::json> env_description(const Path& env);

/// Fails: not_found (not an environment of this cache; made by an older rtenv), as read.
Result<std::unique_ptr<cache::ArchiveFilter>> make_env_pack_filter(const Path& env);

/// For an environment whose pack was unpacked into `folder` and will lie at `final_path`.
/// Fails: invalid_argument (it was made for another platform or interpreter), corrupt, as written.
Result<void> relocate_env(const Path& folder, const Path& final_path,
                          const nlohmann::json& properties,
                          const runtime_env::Interpreter& interpreter);

/// A writable copy of an environment for one job, at another path: blocks are shared where the file
/// system can. `target` isn't there. Fails: as make_env_pack_filter, as read and written.
Result<void> clone_env(const Path& env, const Path& target,
                       const runtime_env::Interpreter& interpreter);

}  // namespace rtenv::envbuild
