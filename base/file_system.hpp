// Properties of the file system that contains a path.
#pragma once

#include <optional>
#include <string_view>

#include "base/fd.hpp"

namespace rtenv {

/// The name of a network file system (NFS, SMB, …) by its f_type of statfs(2); nullopt for any
/// other type.
std::optional<std::string_view> network_file_system_name(long type) noexcept;

/// The same for the file system of an existing path. Fails: not_found.
Result<std::optional<std::string_view>> network_file_system(const Path& path);

/// Fails: not_found.
Result<bool> is_read_only_file_system(const Path& path);

/// Whether it is an overlay, as containers' own file systems are. Fails: not_found.
Result<bool> is_overlay_file_system(const Path& path);

/// Whether each change of a file, also by a write to mapped memory, changes its ctime: on ext4, xfs
/// and btrfs, but not on a tmpfs. Fails: not_found.
Result<bool> reports_every_change(const Path& path);

/// Whether something is mounted at or below a folder, as this process sees it. Fails: not_found.
Result<bool> has_mounts_below(const Path& folder);

/// The free space for unprivileged users, in bytes. Fails: not_found.
Result<std::uint64_t> free_space_bytes(const Path& path);

}  // namespace rtenv
