// Looks into a package: what it holds, whether its checksums are right, and whether its name is the
// one it should have.
#pragma once

#include <optional>
#include <vector>

#include "pkg/package_name.hpp"
#include "pkg/tree.hpp"

namespace rtenv::pkg {

struct Inspection {
  std::vector<Entry> entries;  // sorted by path; directories as the zip lists them
  std::uint64_t package_bytes = 0;
  std::optional<PackageName> name;  // what the file is called; nothing where that names no content
  std::optional<PackageName> computed;  // by the scheme of its name, xxh3 where it has none
  [[nodiscard]] bool verifies() const { return name.has_value() && name == computed; }
};

/// Reads all of the package. Fails: as ZipReader, corrupt where a checksum is wrong.
Result<Inspection> inspect(const Path& package, unsigned threads);

}  // namespace rtenv::pkg
