// An archive's bytes, decompressed: gzip, xz, bzip2, zstd, or plain, as the first bytes say. All of
// them count against the budget, and each piece looks at the cancellation. One compression only: a
// second one inside would expand without being counted. For one thread.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "pkg/archive_file.hpp"
#include "pkg/archive_library.hpp"
#include "pkg/gunzip.hpp"
#include "pkg/unpack_budget.hpp"

namespace rtenv::pkg {

class DecompressedFile {
 public:
  /// Requires: all outlive it.
  DecompressedFile(const ArchiveLibrary& library, const ArchiveFile& file, UnpackBudget& budget);

  /// Fails: corrupt, as read(2).
  Result<void> open();
  /// The next piece, valid until the next call; empty at the end. Fails: corrupt, as read(2), and
  /// as UnpackBudget::add_decompressed.
  Result<std::span<const std::byte>> next();

 private:
  static la_ssize_t read_packed(archive* archive, void* self, const void** data);
  Result<std::span<const std::byte>> next_packed();
  Result<std::span<const std::byte>> next_of_gzip();
  Result<std::span<const std::byte>> next_of_library();
  Result<void> open_in_library(int filter_code);
  Result<int> filter() const;
  [[nodiscard]] Failure broken();

  const ArchiveLibrary& library_;
  const ArchiveFile& file_;
  UnpackBudget& budget_;
  std::unique_ptr<archive, decltype(ArchiveLibrary::read_free)> archive_;
  std::optional<Gunzip> gzip_;  // if it isn't for the library
  std::vector<std::byte> packed_;
  std::uint64_t offset_ = 0;
  bool at_end_ = false;
  std::optional<Error> error_;  // of reading the file
};

/// The error for what is neither a zip nor a tar archive, or is damaged. Code: corrupt.
Failure broken_archive(const ArchiveFile& file, std::string_view reason);
/// The reason is the one that libarchive gave last.
Failure broken_archive(const ArchiveFile& file, const ArchiveLibrary& library, archive* archive);

}  // namespace rtenv::pkg
