// Checks of what an archive says about an entry, before anything is written. Every error is
// invalid_argument and names the entry.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace rtenv::pkg {

/// The error for an entry that isn't unpacked.
Failure refuse_entry(std::string_view name, std::string_view reason);

/// The error for a hard link to what isn't a file that precedes it in the archive.
Failure refuse_hard_link(std::string_view name);

/// The path of an entry as a clean relative path, without a '/' at its end; empty for the root.
/// `from_unix` says that a backslash may be a plain character of the name. Fails: invalid_argument
/// (an absolute path, "..", a drive name, a NUL byte, a backslash that may be a separator, too deep
/// or too long).
Result<std::string> checked_entry_path(std::string_view name, bool from_unix);

/// The permissions of an unpacked folder, which its owner can always use; 0755 if the archive has
/// none.
mode_t folder_permissions(std::uint32_t mode);

/// The permissions of an unpacked file; 0644 if the archive has none. Fails: invalid_argument
/// (set-uid, set-gid or sticky).
Result<mode_t> checked_permissions(std::string_view path, std::uint32_t mode);

/// Fails: invalid_argument (the link leads out of the folder, or no system could make it).
Result<void> check_link(std::string_view path, std::string_view target);

}  // namespace rtenv::pkg
