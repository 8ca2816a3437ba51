#include "envbuild/file_entry.hpp"

#include "base/file.hpp"
#include "base/hash.hpp"
#include "cache/tree_digest.hpp"

namespace rtenv::envbuild {
namespace {

constexpr std::size_t k_key_digits = 32;

Result<cache::Key> key_of(const std::string& name, const std::string& sha256) {
  return cache::Key::parse(sha256_hex(fmt::format("{} {}", sha256, name)).substr(0, k_key_digits));
}

}  // namespace

Result<LeasedPath> file_entry(const std::string& name, const FileDigests& digests,
                              cache::Cache& cache, const WaitOptions& wait,
                              const std::function<Result<void>(const Path&)>& make) {
  RTENV_TRY(const auto key, key_of(name, digests.sha256));
  std::function<std::string()> digest_of_entry;
  if (!digests.xxh3.empty())
    digest_of_entry = [&] {
      return cache::digest_of(
          {{.path = name, .type = cache::ItemType::file, .content = digests.xxh3}});
    };
  RTENV_TRY(auto lease, cache.get_or_build(cache::Kind::file, key,
                                           [&](const cache::BuildContext& context) -> Result<void> {
                                             RTENV_TRY(make_directories(context.target));
                                             return make(context.target / name);
                                           },
                                           {.wait = wait, .built_digest = digest_of_entry}));
  return leased_path(std::move(lease), name);
}

Result<std::optional<LeasedPath>> find_file_entry(const std::string& name,
                                                  const std::string& sha256, cache::Cache& cache) {
  RTENV_TRY(const auto key, key_of(name, sha256));
  RTENV_TRY(auto lease, cache.find(cache::Kind::file, key));
  if (!lease) return std::optional<LeasedPath>();
  return std::optional(leased_path(std::move(*lease), name));
}

}  // namespace rtenv::envbuild
