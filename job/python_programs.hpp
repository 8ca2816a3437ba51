// The field py_executable: what runs instead of `python`, such as "uv run --isolated".
#pragma once

#include <string>

#include "base/fd.hpp"

namespace rtenv::job {

/// Makes `folder` with programs named python and python3 that start `command`, a shell's words,
/// with their own arguments behind it. They don't find themselves: the `python` that the command
/// names is the one that would be found without them. Fails: as written.
Result<void> write_python_programs(const Path& folder, const std::string& command);

}  // namespace rtenv::job
