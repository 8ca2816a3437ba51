#include "pkg/decompressed_file.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "pkg/byte_text.hpp"

namespace rtenv::pkg {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t k_piece_bytes = 1 << 18;
constexpr std::size_t k_magic_bytes = 10;

// As libarchive recognizes them.
int filter_of(std::string_view begin) {
  if (begin.starts_with("\x1f\x8b\x08"sv)) return ARCHIVE_FILTER_GZIP;
  if (begin.starts_with("\xfd"
                        "7zXZ\0"sv))
    return ARCHIVE_FILTER_XZ;
  if (begin.starts_with("\x28\xb5\x2f\xfd"sv)) return ARCHIVE_FILTER_ZSTD;
  // A frame to be skipped (RFC 8878, 3.1.2), with which pzstd begins.
  if (begin.size() >= 4 && begin[0] >= 0x50 && begin[0] <= 0x5f &&
      begin.substr(1, 3) == "\x2a\x4d\x18"sv)
    return ARCHIVE_FILTER_ZSTD;
  const std::string_view block = begin.size() == k_magic_bytes ? begin.substr(4) : "";
  if (begin.starts_with("BZh"sv) &&
      (block == "\x31\x41\x59\x26\x53\x59"sv || block == "\x17\x72\x45\x38\x50\x90"sv))
    return ARCHIVE_FILTER_BZIP2;
  return ARCHIVE_FILTER_NONE;
}

}  // namespace

Failure broken_archive(const ArchiveFile& file, std::string_view reason) {
  return fail(Errc::corrupt, "{} isn't a complete zip or tar archive: {}", file.path.native(),
              reason);
}

Failure broken_archive(const ArchiveFile& file, const ArchiveLibrary& library, archive* archive) {
  const char* reason = library.error_string(archive);
  return broken_archive(file, reason != nullptr ? reason : "unknown format");
}

DecompressedFile::DecompressedFile(const ArchiveLibrary& library, const ArchiveFile& file,
                                   UnpackBudget& budget)
    : library_(library),
      file_(file),
      budget_(budget),
      archive_(library.read_new(), library.read_free),
      packed_(k_piece_bytes) {}

Failure DecompressedFile::broken() {
  if (error_) return Failure(*error_);
  return broken_archive(file_, library_, archive_.get());
}

Result<int> DecompressedFile::filter() const {
  std::array<std::byte, k_magic_bytes> begin{};
  RTENV_TRY(const auto count, read_full_at(file_.fd, begin, 0, file_.path.native()));
  return filter_of(as_text(std::span(begin).first(count)));
}

Result<void> DecompressedFile::open() {
  RTENV_TRY(const int filter_code, filter());
  if (filter_code != ARCHIVE_FILTER_GZIP) return open_in_library(filter_code);
  gzip_.emplace([this] { return next_packed(); });
  return {};
}

Result<void> DecompressedFile::open_in_library(int filter_code) {
  // A given filter is the only one; those that libarchive finds itself are a chain of any length.
  if (library_.read_append_filter(archive_.get(), filter_code) < ARCHIVE_WARN) return broken();
  library_.read_support_format_raw(archive_.get());
  if (library_.read_open(archive_.get(), this, nullptr, read_packed, nullptr) != ARCHIVE_OK)
    return broken();
  archive_entry* whole = nullptr;
  const int result = library_.read_next_header(archive_.get(), &whole);
  at_end_ = result == ARCHIVE_EOF;
  if (result < ARCHIVE_WARN) return broken();
  return {};
}

Result<std::span<const std::byte>> DecompressedFile::next() {
  RTENV_TRY(const auto piece, gzip_ ? next_of_gzip() : next_of_library());
  RTENV_TRY(budget_.add_decompressed(piece.size()));
  return piece;
}

Result<std::span<const std::byte>> DecompressedFile::next_of_gzip() {
  auto piece = gzip_->next();
  if (piece || piece.error().code() != Errc::corrupt) return piece;
  return broken_archive(file_, piece.error().message());
}

Result<std::span<const std::byte>> DecompressedFile::next_of_library() {
  const void* data = nullptr;
  std::size_t size = 0;
  la_int64_t offset = 0;
  while (size == 0) {
    if (at_end_) return std::span<const std::byte>();
    const int result = library_.read_data_block(archive_.get(), &data, &size, &offset);
    at_end_ = result == ARCHIVE_EOF;
    if (result < ARCHIVE_WARN) return broken();
  }
  return std::span(static_cast<const std::byte*>(data), size);
}

la_ssize_t DecompressedFile::read_packed(archive*, void* self, const void** data) {
  auto& file = *static_cast<DecompressedFile*>(self);
  const auto piece = file.next_packed();
  if (!piece) {
    file.error_ = piece.error();
    return ARCHIVE_FATAL;
  }
  *data = piece->data();
  return static_cast<la_ssize_t>(piece->size());
}

// Looks at the cancellation, too: much that is packed may unpack to nothing.
Result<std::span<const std::byte>> DecompressedFile::next_packed() {
  RTENV_TRY(budget_.add_decompressed(0));
  RTENV_TRY(const auto count,
            read_full_at(file_.fd, packed_, static_cast<off_t>(offset_), file_.path.native()));
  offset_ += count;
  return std::span<const std::byte>(packed_).first(count);
}

}  // namespace rtenv::pkg
