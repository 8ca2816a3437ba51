// The parts of an environment's key that stand for files: their content counts, not their path.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "base/fd.hpp"

namespace rtenv::runtime_env {

/// Of a file, or of each file in a folder (not of those in folders below): name and SHA-256.
/// Fails: as reading the files.
Result<nlohmann::json> content_part(const Path& path);

}  // namespace rtenv::runtime_env
