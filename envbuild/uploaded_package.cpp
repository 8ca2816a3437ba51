#include "envbuild/uploaded_package.hpp"

#include "base/file.hpp"
#include "base/hash.hpp"

namespace rtenv::envbuild {
namespace {

constexpr std::size_t k_key_digits = 32;

std::string source_digest(const remote::Uri& uri) { return sha256_hex("uploaded " + uri.text()); }

}  // namespace

Result<std::optional<UploadedPackage>> find_uploaded(const remote::Uri& uri, cache::Cache& cache) {
  RTENV_TRY(const auto source, cache.find_fetch_record(source_digest(uri)));
  if (!source) return std::optional<UploadedPackage>();
  RTENV_TRY(auto lease, cache.find(source->kind, source->key));
  if (!lease) return std::optional<UploadedPackage>();
  Path file = lease->path() / uri.path;
  return std::optional(UploadedPackage{
      .lease = std::move(*lease), .file = std::move(file), .sha256 = source->sha256});
}

Result<UploadedPackage> store_upload(const remote::Uri& uri, const Path& file,
                                     const std::string& sha256, cache::Cache& cache) {
  RTENV_TRY(auto there, find_uploaded(uri, cache));
  if (there) return std::move(*there);
  const std::string key = sha256_hex(sha256 + " " + uri.path).substr(0, k_key_digits);
  RTENV_TRY(auto lease, cache.get_or_make(cache::Kind::file, key,
                                          [&](const cache::MakeContext& context) -> Result<void> {
                                            RTENV_TRY(make_directories(context.target));
                                            return rename_path(file, context.target / uri.path);
                                          }));
  RTENV_TRY(cache.remember_fetch(
      source_digest(uri),
      {.version = "uploaded", .sha256 = sha256, .kind = lease.kind(), .key = lease.key()}));
  Path kept = lease.path() / uri.path;
  return UploadedPackage{.lease = std::move(lease), .file = std::move(kept), .sha256 = sha256};
}

}  // namespace rtenv::envbuild
