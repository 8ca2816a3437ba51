// rtenv-env.json at the top of an environment: its key, and what the key is a digest of.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "base/fd.hpp"

namespace rtenv::runtime_env {
struct EnvKey;
}

namespace rtenv::envbuild {

/// Fails: as written.
Result<void> write_env_description(const runtime_env::EnvKey& key, const Path& env);

/// The parts of the key: an object with at least `interpreter`. Fails: corrupt, as read_file.
Result<nlohmann::json> read_env_description(const Path& env);

}  // namespace rtenv::envbuild
