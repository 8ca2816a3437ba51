#include "envbuild/unpack_limits.hpp"

#include "base/file_system.hpp"
#include "cache/cache.hpp"

namespace rtenv::envbuild {

Result<pkg::UnpackLimits> unpack_limits(const cache::Cache& cache) {
  pkg::UnpackLimits limits;
  const auto lower = [&](std::uint64_t bytes, std::string_view reason) {
    if (bytes >= limits.max_total_bytes) return;
    limits.max_total_bytes = bytes;
    limits.reason = reason;
  };
  const cache::Limits& of_cache = cache.limits();
  if (of_cache.max_bytes) lower(*of_cache.max_bytes, "the cache's limit");
  if (const auto of_kind = of_cache.max_bytes_of_kind.find(cache::Kind::tree);
      of_kind != of_cache.max_bytes_of_kind.end())
    lower(of_kind->second, "the cache's limit of trees");
  RTENV_TRY(const std::uint64_t free_bytes, free_space_bytes(cache.root()));
  lower(free_bytes, "the free space of the cache's disk");
  return limits;
}

}  // namespace rtenv::envbuild
