// Absolute paths that mean what the kernel makes of the original.
#pragma once

#include "base/fd.hpp"

namespace rtenv {

/// The absolute path without ".", ".." and a slash at its end. What precedes ".." may be a link: if
/// there is one, links are resolved, else they stay, as users know their files by those names.
Path absolute_path(const Path& path);

}  // namespace rtenv
