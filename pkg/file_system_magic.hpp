// Numbers of file systems, as statfs(2) reports them, that <linux/magic.h> may lack.
#pragma once

#include <cstdint>

namespace rtenv::pkg {

inline constexpr std::uint32_t k_zfs_magic = 0x2fc12fc1;
inline constexpr std::uint32_t k_bcachefs_magic = 0xca451a4e;

}  // namespace rtenv::pkg
