// Write protection of environments: several jobs use the same one, so none may change it by
// accident.
#pragma once

#include "base/fd.hpp"

namespace rtenv::envbuild {

/// Removes the write permission from everything in the environment, except from the environment's
/// own folder, which may still be renamed, and from the __pycache__ folders. Creates a __pycache__
/// beside Python sources, because processes of other users than root would otherwise compile them
/// every time. Files that are hard links into uv's cache are protected there too.
/// Fails: permission_denied, as chmod and mkdir.
Result<void> protect_env(const Path& env);

}  // namespace rtenv::envbuild
