// Adapts an unpacked archive to the final path of its entry.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>

#include "base/fd.hpp"

namespace rtenv::cache {

/// Adapts the content of `folder` to `final_path`. `properties` are the archive's, see
/// ArchiveFilter. An error rejects the archive.
using Relocate = std::function<Result<void>(const Path& folder, const Path& final_path,
                                            const nlohmann::json& properties)>;

struct Relocation {
  Path final_path;
  Relocate relocate;  // may be empty
};

}  // namespace rtenv::cache
