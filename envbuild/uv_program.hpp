// Finds uv: RTENV_UV, else uv in PATH, else a pinned version, fetched once from the package index,
// checked against a digest that stands in this program, and kept in the cache.
#pragma once

#include "base/environment.hpp"
#include "cache/cache.hpp"

namespace rtenv::envbuild {

struct UvProgram {
  Path path;
  std::optional<cache::Lease> lease;  // keeps a fetched uv from eviction while it is used
};

/// `specifier`: a version that the runtime_env asks for ("==0.13.8"); uv itself installs that one
/// into the cache. Fails: not_found (RTENV_UV names nothing, no wheel for this platform),
/// unavailable (the index), corrupt (the digest).
Result<UvProgram> find_uv(const Environment& environment, cache::Cache& cache,
                          const std::optional<std::string>& specifier, const Path& python,
                          const Cancellation* cancellation);

/// The version that is fetched where there is none.
std::string_view pinned_uv_version() noexcept;

/// uv's own cache beside ours, on the same file system: then it links files instead of copying
/// them. Where the environment names none.
void share_uv_cache(Environment& environment, const cache::Cache& cache);

}  // namespace rtenv::envbuild
