// What a package keeps of the mode of a file or folder: whether the owner may execute the file, and
// whether only the owner has access. The same when packing, unpacking and copying, and in the
// cache; see docs/decisions/0024-modes.md.
//
//                                           packed, unpacked     in the cache, write-protected
//   file; executable by its owner           0644  0755           0444  0555
//   file that others may not read           0600  0700           0400  0500
//   folder; that others may not enter       0755  0700           0555  0500
#pragma once

#include <sys/stat.h>

namespace rtenv::pkg {

inline constexpr mode_t k_permissions = 0777;
inline constexpr mode_t k_folder_mode = 0755;
inline constexpr mode_t k_private_folder_mode = 0700;

/// Of a file or folder with this mode. What is in such a folder is the owner's, too.
constexpr bool is_owner_only(mode_t mode) {
  return (mode & (S_ISDIR(mode) ? S_IXOTH : S_IROTH)) == 0;
}

constexpr mode_t file_mode(bool executable, bool owner_only) {
  if (owner_only) return executable ? 0700 : 0600;
  return executable ? 0755 : 0644;
}

constexpr mode_t folder_mode(bool owner_only) {
  return owner_only ? k_private_folder_mode : k_folder_mode;
}

}  // namespace rtenv::pkg
