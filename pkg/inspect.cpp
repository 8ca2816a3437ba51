#include "pkg/inspect.hpp"

#include "base/hash.hpp"
#include "pkg/archive_list.hpp"

namespace rtenv::pkg {

Result<Inspection> inspect(const Path& package, const UnpackOptions& options) {
  Inspection result;
  result.name = PackageName::parse(package.filename().native());
  RTENV_TRY(const ArchiveFile file, open_archive_file(package));
  result.package_bytes = file.size_bytes;
  const bool names_bytes = result.name && result.name->scheme() == Scheme::archive;
  if (names_bytes) {
    RTENV_TRY(std::string digits, sha1_hex_of_file(file.fd, package, options.cancellation));
    RTENV_TRY(result.computed, name_of_archive(package, std::move(digits)));
  }
  const Scheme scheme = result.name && !names_bytes ? result.name->scheme() : Scheme::xxh3;
  RTENV_TRY(ArchiveList list, list_archive(file, scheme, options));
  result.entries = std::move(list.entries);
  if (!result.computed) result.computed = std::move(list.name);
  return result;
}

Result<PackageName> name_of_package(const Path& package, Scheme scheme,
                                    const UnpackOptions& options) {
  RTENV_TRY(const ArchiveFile file, open_archive_file(package));
  RTENV_TRY(ArchiveList list, list_archive(file, scheme, options));
  return std::move(list.name);
}

}  // namespace rtenv::pkg
