// What kind of file system a path is on.
#pragma once

#include <optional>
#include <string_view>

#include "base/fd.hpp"

namespace rtenv {

/// The name of a file system that several machines share (NFS, SMB, …), by the number that
/// statfs(2) says.
std::optional<std::string_view> network_file_system_name(long type) noexcept;

/// Of the file system of an existing path. Fails: not_found.
Result<std::optional<std::string_view>> network_file_system(const Path& path);

/// Fails: not_found.
Result<bool> is_read_only_file_system(const Path& path);

/// Space that an ordinary user may still fill, in bytes. Fails: not_found.
Result<std::uint64_t> free_space_bytes(const Path& path);

}  // namespace rtenv
