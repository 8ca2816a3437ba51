// Properties of the file system that contains a path.
#pragma once

#include <cstdint>
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

/// What the change times (ctime) of a folder's files tell.
enum class ChangeTimes : std::uint8_t {
  every_change,
  not_mapped_writes,  // every change except writes to mapped memory
  unknown,
};

/// Fails: not_found.
Result<ChangeTimes> change_times(const Path& folder);

/// Whether the kernel makes the file's content when it is read, as in /proc: then its size says
/// nothing.
bool is_made_on_reading(const Fd& file) noexcept;

/// Whether something is mounted at or below a folder, as this process sees it. Fails: not_found.
Result<bool> has_mounts_below(const Path& folder);

/// The free space for unprivileged users, in bytes. Fails: not_found.
Result<std::uint64_t> free_space_bytes(const Path& path);

}  // namespace rtenv
