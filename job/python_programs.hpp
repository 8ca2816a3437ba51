// The runtime_env field py_executable: the command that runs instead of `python`, such as
// "uv run --isolated".
#pragma once

#include <string>

#include "base/fd.hpp"

namespace rtenv::job {

/// Creates `folder` with the scripts python and python3, which run `command`, a shell command, with
/// their arguments appended. The scripts remove their folder from PATH first, so a `python` in the
/// command is the next one in PATH. Fails: already_exists, permission_denied, out_of_space.
Result<void> write_python_programs(const Path& folder, const std::string& command);

}  // namespace rtenv::job
