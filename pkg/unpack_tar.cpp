#include <sys/stat.h>

#include <array>
#include <memory>
#include <string>

#include "pkg/archive_library.hpp"
#include "pkg/byte_text.hpp"
#include "pkg/entry_check.hpp"
#include "pkg/target_folder.hpp"
#include "pkg/unpack_formats.hpp"

namespace rtenv::pkg {
namespace {

constexpr std::size_t k_block_bytes = 1 << 18;

// The entries of a tar archive, one after another.
class TarReader {
 public:
  TarReader(const ArchiveLibrary& library, const Path& path)
      : library_(library), path_(path), archive_(library.read_new(), library.read_free) {}

  Result<void> open() {
    library_.read_support_format_tar(archive_.get());
    library_.read_support_filter_gzip(archive_.get());
    library_.read_support_filter_xz(archive_.get());
    library_.read_support_filter_bzip2(archive_.get());
    library_.read_support_filter_zstd(archive_.get());
    if (library_.read_open_filename(archive_.get(), path_.c_str(), k_block_bytes) != ARCHIVE_OK)
      return broken();
    return {};
  }

  /// Null at the end.
  Result<archive_entry*> next() {
    archive_entry* entry = nullptr;
    const int result = library_.read_next_header(archive_.get(), &entry);
    if (result == ARCHIVE_EOF) return static_cast<archive_entry*>(nullptr);
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) return broken();
    return entry;
  }

  /// A block of the entry's content; empty at its end.
  Result<std::span<const std::byte>> read_block() {
    const la_ssize_t count = library_.read_data(archive_.get(), buffer_.data(), buffer_.size());
    if (count < 0) return broken();
    return std::span<const std::byte>(buffer_).first(static_cast<std::size_t>(count));
  }

 private:
  [[nodiscard]] Failure broken() const {
    const char* reason = library_.error_string(archive_.get());
    return fail(Errc::corrupt, "{} isn't a complete zip or tar archive: {}", path_.native(),
                reason != nullptr ? reason : "unknown format");
  }

  const ArchiveLibrary& library_;
  const Path& path_;
  std::unique_ptr<archive, decltype(ArchiveLibrary::read_free)> archive_;
  std::array<std::byte, k_block_bytes> buffer_{};
};

class TarUnpacker {
 public:
  TarUnpacker(const ArchiveLibrary& library, const Path& path, TargetFolder& folder,
              UnpackBudget& budget)
      : library_(library), path_(path), folder_(folder), budget_(budget), reader_(library, path) {}

  Result<void> run() {
    RTENV_TRY(reader_.open());
    for (;;) {
      RTENV_TRY(archive_entry* const entry, reader_.next());
      if (entry == nullptr) return {};
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
        return folder_.make_directory(path, folder_permissions(library_.entry_mode(entry)));
      case AE_IFLNK: {
        const std::string target =
            library_.entry_symlink(entry) != nullptr ? library_.entry_symlink(entry) : "";
        RTENV_TRY(check_link(path, target));
        budget_.count_link();
        return folder_.make_link(path, target);
      }
      case AE_IFREG: return unpack_file(path, library_.entry_mode(entry));
      default: return refuse_entry(path, "it is a device, a pipe or a socket");
    }
  }

  Result<void> unpack_file(const std::string& path, mode_t mode) {
    RTENV_TRY(const mode_t permissions, checked_permissions(path, mode));
    RTENV_TRY(const Fd file, folder_.create_file(path, permissions));
    for (;;) {
      RTENV_TRY(const auto data, reader_.read_block());
      if (data.empty()) break;
      RTENV_TRY(budget_.add_bytes(data.size()));
      RTENV_TRY(write_full(file, data, path));
    }
    budget_.count_file();
    return {};
  }

  // A hard link becomes a copy, so that a later change of one file can't affect the other.
  Result<void> copy(const std::string& path, const char* original) {
    RTENV_TRY(const std::string original_path, checked_entry_path(original, true));
    RTENV_TRY(const Fd source, folder_.open_created_file(original_path));
    struct stat status {};
    if (::fstat(source.get(), &status) != 0) return fail_errno("read", original_path);
    RTENV_TRY(const Fd file, folder_.create_file(path, status.st_mode & 0777U));
    for (;;) {
      RTENV_TRY(const auto count, read_full(source, buffer_, original_path));
      RTENV_TRY(budget_.add_bytes(count));
      RTENV_TRY(write_full(file, std::span(buffer_).first(count), path));
      if (count < buffer_.size()) break;
    }
    budget_.count_file();
    return {};
  }

  const ArchiveLibrary& library_;
  const Path& path_;
  TargetFolder& folder_;
  UnpackBudget& budget_;
  TarReader reader_;
  std::array<std::byte, k_block_bytes> buffer_{};  // for copies of hard links
};

}  // namespace

Result<std::optional<std::string>> first_file_of_tar(const Path& archive, std::string_view name,
                                                     std::size_t max_bytes) {
  RTENV_TRY(const ArchiveLibrary* library, archive_library());
  const auto reader = std::make_unique<TarReader>(*library, archive);
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

Result<void> unpack_tar(const Path& archive, const Path& folder, const UnpackOptions& options,
                        UnpackBudget& budget) {
  RTENV_TRY(const ArchiveLibrary* library, archive_library());
  RTENV_TRY(TargetFolder target, TargetFolder::open(folder, options.modes));
  return std::make_unique<TarUnpacker>(*library, archive, target, budget)->run();
}

}  // namespace rtenv::pkg
