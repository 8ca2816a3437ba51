// A shared environment is many jobs' environment: none of them may change it by accident.
#pragma once

#include "base/fd.hpp"

namespace rtenv::envbuild {

/// Takes the write permission from all in it, but not from the folder itself: it must still be
/// renamed. Beside Python's sources it makes the __pycache__ folders, which stay writable: else
/// every process of a user other than root would compile them again. Files that are links to uv's
/// cache are protected there, too. Fails: as chmod.
Result<void> protect_env(const Path& env);

}  // namespace rtenv::envbuild
