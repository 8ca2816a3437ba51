#include "envbuild/uploaded_package.hpp"

#include "base/file.hpp"
#include "base/hash.hpp"

namespace rtenv::envbuild {
namespace {

constexpr std::size_t k_key_digits = 32;

// The key of the fetch record.
std::string record_key(const remote::Uri& uri) { return sha256_hex("uploaded " + uri.text()); }

}  // namespace

Result<std::optional<UploadedPackage>> find_uploaded(const remote::Uri& uri, cache::Cache& cache) {
  RTENV_TRY(const auto record, cache.find_fetch_record(record_key(uri)));
  if (!record) return std::optional<UploadedPackage>();
  RTENV_TRY(auto lease, cache.find(record->entry.kind, record->entry.key));
  if (!lease) return std::optional<UploadedPackage>();
  return std::optional(
      UploadedPackage{.file = leased_path(std::move(*lease), uri.path), .sha256 = record->sha256});
}

Result<UploadedPackage> store_upload(const remote::Uri& uri, const Path& file,
                                     const std::string& sha256, NameCheck check,
                                     cache::Cache& cache, const Cancellation& cancellation) {
  RTENV_TRY(auto existing, find_uploaded(uri, cache));
  if (existing && existing->sha256 == sha256) return std::move(*existing);
  if (existing && check == NameCheck::unknown)
    return fail(Errc::already_exists, "{} exists with other bytes: their SHA-256 is {}, this is {}",
                uri.shown(), existing->sha256, sha256)
        .hint("use another name; a job may have been promised the first ones");
  RTENV_TRY(const auto key,
            cache::Key::parse(sha256_hex(sha256 + " " + uri.path).substr(0, k_key_digits)));
  RTENV_TRY(auto lease, cache.get_or_build(cache::Kind::file, key,
                                           [&](const cache::BuildContext& context) -> Result<void> {
                                             RTENV_TRY(make_directories(context.target));
                                             return rename_path(file, context.target / uri.path);
                                           },
                                           {.wait = {.cancellation = &cancellation}}));
  RTENV_TRY(cache.remember_fetch(
      record_key(uri),
      {.version = "uploaded", .sha256 = sha256, .entry = {lease.kind(), lease.key()}}));
  return UploadedPackage{.file = leased_path(std::move(lease), uri.path), .sha256 = sha256};
}

}  // namespace rtenv::envbuild
