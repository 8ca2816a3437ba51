// Inspects an archive: lists its entries, verifies its checksums, and computes the name that it
// should have.
#pragma once

#include <optional>
#include <vector>

#include "base/cancellation.hpp"
#include "pkg/package_name.hpp"
#include "pkg/tree.hpp"
#include "pkg/unpack.hpp"

namespace rtenv::pkg {

struct Inspection {
  std::vector<Entry> entries;  // sorted by path; directories as the archive lists them
  std::uint64_t package_bytes = 0;
  std::optional<PackageName> name;      // from the file name; nullopt if that isn't a package's
  std::optional<PackageName> computed;  // in the scheme of the name; xxh3 if it has none
  [[nodiscard]] bool verifies() const { return name.has_value() && name == computed; }
};

/// Reads the whole archive. Fails: as list_archive.
Result<Inspection> inspect(const Path& package, const UnpackOptions& options);

/// The name that a package should have in a scheme that names directories. Reads the whole package.
/// Fails: as list_archive.
Result<PackageName> name_of_package(const Path& package, Scheme scheme,
                                    const UnpackOptions& options);

}  // namespace rtenv::pkg
