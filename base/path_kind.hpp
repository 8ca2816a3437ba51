// What a path that a user gave leads to.
#pragma once

#include <string_view>

#include "base/fd.hpp"

namespace rtenv {

enum class PathKind : std::uint8_t { file, folder, other };  // other: a pipe, a device, a socket

/// Follows links. Fails: not_found ("PATH doesn't exist"), permission_denied (a folder that may not
/// be entered), invalid_argument (what isn't a folder has no entries, too many links, a name that
/// is too long): only the first one means that nothing is there. `shown`: the path in the message.
Result<PathKind> path_kind(const Path& path, std::string_view shown);
Result<PathKind> path_kind(const Path& path);

}  // namespace rtenv
