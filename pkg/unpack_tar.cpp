#include <array>
#include <memory>
#include <optional>
#include <string>

#include "pkg/archive_library.hpp"
#include "pkg/byte_text.hpp"
#include "pkg/decompressed_file.hpp"
#include "pkg/entry_check.hpp"
#include "pkg/unpack_formats.hpp"

namespace rtenv::pkg {
namespace {

constexpr std::size_t k_block_bytes = 1 << 18;

// The entries of a tar archive, one after another.
class TarReader {
 public:
  TarReader(const ArchiveLibrary& library, const ArchiveFile& file, UnpackBudget& budget)
      : library_(library),
        file_(file),
        stream_(library, file, budget),
        archive_(library.read_new(), library.read_free) {}

  Result<void> open() {
    RTENV_TRY(stream_.open());
    library_.read_support_format_tar(archive_.get());
    if (library_.read_open(archive_.get(), this, nullptr, read_stream, nullptr) != ARCHIVE_OK)
      return broken();
    return {};
  }

  /// Reads what follows the archive in its file: only then the decompressor compares its checksum.
  Result<void> finish() {
    for (;;) {
      RTENV_TRY(const auto piece, stream_.next());
      if (piece.empty()) return {};
    }
  }

  /// Null at the end.
  Result<archive_entry*> next() {
    archive_entry* entry = nullptr;
    const int result = library_.read_next_header(archive_.get(), &entry);
    if (error_) return broken();
    if (result == ARCHIVE_EOF) return static_cast<archive_entry*>(nullptr);
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) return broken();
    return entry;
  }

  /// A block of the entry's content; empty at its end.
  Result<std::span<const std::byte>> read_block() {
    const la_ssize_t count = library_.read_data(archive_.get(), buffer_.data(), buffer_.size());
    if (error_ || count < 0) return broken();
    return std::span<const std::byte>(buffer_).first(static_cast<std::size_t>(count));
  }

 private:
  // All that libarchive reads passes through here, also what it skips.
  static la_ssize_t read_stream(archive*, void* self, const void** data) {
    auto& reader = *static_cast<TarReader*>(self);
    const auto piece = reader.stream_.next();
    if (!piece) {
      reader.error_ = piece.error();
      return ARCHIVE_FATAL;
    }
    *data = piece->data();
    return static_cast<la_ssize_t>(piece->size());
  }

  [[nodiscard]] Failure broken() const {
    if (error_) return Failure(*error_);
    return broken_archive(file_, library_, archive_.get());
  }

  const ArchiveLibrary& library_;
  const ArchiveFile& file_;
  DecompressedFile stream_;
  std::unique_ptr<archive, decltype(ArchiveLibrary::read_free)> archive_;
  std::optional<Error> error_;  // of the stream
  std::array<std::byte, k_block_bytes> buffer_{};
};

class TarUnpacker {
 public:
  TarUnpacker(const ArchiveLibrary& library, const ArchiveFile& file, UnpackTarget& target,
              UnpackBudget& budget)
      : library_(library),
        path_(file.path),
        target_(target),
        budget_(budget),
        reader_(library, file, budget) {}

  Result<void> run() {
    RTENV_TRY(reader_.open());
    for (;;) {
      RTENV_TRY(archive_entry* const entry, reader_.next());
      if (entry == nullptr) return reader_.finish();
      RTENV_TRY(unpack(entry));
    }
  }

 private:
  Result<void> unpack(archive_entry* entry) {
    RTENV_TRY(budget_.add_entry());
    const char* raw_name = library_.entry_pathname(entry);
    if (raw_name == nullptr)
      return fail(Errc::corrupt, "{} has an entry without a name", path_.native());
    RTENV_TRY(const std::string path, checked_entry_path(raw_name, true));
    if (path.empty()) return {};  // "./": the folder itself
    if (const char* original = library_.entry_hardlink(entry)) return copy(path, original);
    switch (library_.entry_filetype(entry)) {
      case AE_IFDIR:
        budget_.count_directory();
        return target_.make_directory(path, folder_permissions(library_.entry_mode(entry)));
      case AE_IFLNK: {
        const std::string link_target =
            library_.entry_symlink(entry) != nullptr ? library_.entry_symlink(entry) : "";
        RTENV_TRY(check_link(path, link_target));
        budget_.count_link();
        return target_.make_link(path, link_target);
      }
      case AE_IFREG: return unpack_file(path, library_.entry_mode(entry));
      default: return refuse_entry(path, "it is a device, a pipe or a socket");
    }
  }

  Result<void> unpack_file(const std::string& path, mode_t mode) {
    RTENV_TRY(const mode_t permissions, checked_permissions(path, mode));
    RTENV_TRY(target_.begin_file(path, permissions));
    for (;;) {
      RTENV_TRY(const auto data, reader_.read_block());
      if (data.empty()) break;
      RTENV_TRY(budget_.add_bytes(data.size()));
      RTENV_TRY(target_.write(data));
    }
    budget_.count_file();
    return target_.finish_file();
  }

  // A hard link becomes a copy, so that a later change of one file can't affect the other.
  Result<void> copy(const std::string& path, const char* original) {
    RTENV_TRY(const std::string original_path, checked_entry_path(original, true));
    budget_.count_file();
    return target_.copy_file(path, original_path, budget_);
  }

  const ArchiveLibrary& library_;
  const Path& path_;
  UnpackTarget& target_;
  UnpackBudget& budget_;
  TarReader reader_;
};

}  // namespace

Result<std::optional<std::string>> first_file_of_tar(const Path& archive, std::string_view name,
                                                     std::size_t max_bytes) {
  RTENV_TRY(const ArchiveLibrary* library, archive_library());
  RTENV_TRY(const ArchiveFile file, open_archive_file(archive));
  UnpackBudget budget({.max_total_bytes = max_bytes}, file.size_bytes, nullptr);
  const auto reader = std::make_unique<TarReader>(*library, file, budget);
  RTENV_TRY(reader->open());
  RTENV_TRY(archive_entry* const entry, reader->next());
  const char* first_name = entry != nullptr ? library->entry_pathname(entry) : nullptr;
  if (first_name == nullptr || first_name != name || library->entry_filetype(entry) != AE_IFREG)
    return std::optional<std::string>();
  std::string content;
  for (;;) {
    RTENV_TRY(const auto data, reader->read_block());
    if (data.empty()) return std::optional(std::move(content));
    if (content.size() + data.size() > max_bytes)
      return fail(Errc::corrupt, "{}: {} is longer than {} bytes", archive.native(), name,
                  max_bytes);
    content.append(as_text(data));
  }
}

Result<void> unpack_tar(const ArchiveFile& file, const MakeTarget& make_target,
                        UnpackBudget& budget) {
  RTENV_TRY(const ArchiveLibrary* library, archive_library());
  RTENV_TRY(const auto target, make_target());
  return std::make_unique<TarUnpacker>(*library, file, *target, budget)->run();
}

}  // namespace rtenv::pkg
