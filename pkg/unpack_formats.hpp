// The parts of `unpack` for each format. Both unpack into an existing, empty folder.
#pragma once

#include "pkg/unpack_budget.hpp"

namespace rtenv::pkg {

Result<void> unpack_zip(const Path& archive, const Path& folder, const UnpackOptions& options,
                        UnpackBudget& budget);
Result<void> unpack_tar(const Path& archive, const Path& folder, const UnpackOptions& options,
                        UnpackBudget& budget);

}  // namespace rtenv::pkg
