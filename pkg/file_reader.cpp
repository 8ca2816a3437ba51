#include "pkg/file_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/file_system.hpp"
#include "base/open_databases.hpp"
#include "pkg/entry_mode.hpp"
#include "pkg/scan_root.hpp"
#include "pkg/tree_path.hpp"

namespace rtenv::pkg {
namespace {

Result<bool> has_stamp(const Fd& file, const std::string& path, const FileStamp& stamp,
                       const ScannedFiles& files) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return fail_errno("read", (files.root / path).native());
  return files.stamper.stamp(status, path) == stamp;
}

class OpenFile : public OpenContent {
 public:
  OpenFile(Fd file, const Entry& entry, std::shared_ptr<const ScannedFiles> files)
      : file_(std::move(file)), path_(entry.path), stamp_(entry.stamp), files_(std::move(files)) {}

  Result<void> read_at(std::uint64_t offset, std::span<std::byte> buffer) const override {
    RTENV_TRY(const auto count, read_full_at(file_, buffer, static_cast<off_t>(offset),
                                             (files_->root / path_).native()));
    if (count != buffer.size()) return changed();
    return {};
  }
  [[nodiscard]] bool is_settled() const override { return stamp_.is_settled(); }
  [[nodiscard]] Result<void> check_unchanged() const override {
    RTENV_TRY(const bool same, has_stamp(file_, path_, stamp_, *files_));
    return same ? Result<void>() : changed();
  }
  [[nodiscard]] Failure changed() const override {
    return changed_while((files_->root / path_).native(), "read");
  }
  [[nodiscard]] int file() const override { return file_.get(); }

 private:
  Fd file_;
  std::string path_;
  FileStamp stamp_;
  std::shared_ptr<const ScannedFiles> files_;
};

}  // namespace

Failure FileReader::changed() const { return changed_while(shown(), "read"); }

Failure FileReader::in_use() const {
  return fail(Errc::busy, "{} can't be packed: it is the database of an open cache or job store",
              shown())
      .hint("exclude its folder, or put the cache elsewhere");
}

// The content isn't as long as the file's size.
Failure FileReader::other_size() const {
  if (!is_made_on_reading(file_)) return changed();
  return fail(Errc::invalid_argument,
              "{} can't be packed: the kernel makes it when it is read, and its size isn't known",
              shown())
      .hint("copy its content to a file, or exclude it");
}

// The path may lead to another folder than at the scan.
Result<void> FileReader::enter(std::string_view folder) {
  if (folder_ && folder == folder_path_) return {};
  folder_path_ = folder;
  folder_ = Fd(::open((files_->root / folder_path_).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder_ && is_change(errno)) return changed();
  struct stat status {};
  if (!folder_ || ::fstat(folder_.get(), &status) != 0) return fail_errno("open", shown());
  const auto scanned = files_->folders.find(folder_path_);
  if (scanned == files_->folders.end() ||
      scanned->second != FileIdentity{status.st_dev, status.st_ino}) {
    folder_.reset();
    return changed();
  }
  return {};
}

Result<Fd> FileReader::open_at(const std::string& path) {
  path_ = path;
  const auto [folder, name] = split_name(path_);
  RTENV_TRY(enter(folder));
  if (OpenDatabases::of_process().has(folder_.get(), name.data())) return in_use();
  // O_NONBLOCK: opening must not hang if a FIFO has replaced the file since the scan.
  Fd file(::openat(folder_.get(), name.data(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file && is_change(errno)) return changed();
  if (!file) return fail_errno("open", shown());
  return file;
}

Result<Fd> FileReader::open_unchanged(const Entry& entry) {
  RTENV_TRY(Fd file, open_at(entry.path));
  stamp_ = entry.stamp;
  RTENV_TRY(check_stamp(file));
  return file;
}

Result<void> FileReader::open(const Entry& entry) {
  RTENV_TRY(Fd file, open_unchanged(entry));
  begin(std::move(file), entry);
  return {};
}

Result<void> FileReader::open_current(Entry& entry) {
  RTENV_TRY(Fd file, open_at(entry.path));
  ssize_t count = 0;
  do count = ::read(file.get(), buffer_.get(), k_piece_bytes);
  while (count < 0 && errno == EINTR);
  const int read_error = errno;
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return fail_errno("read", shown());
  if (!S_ISREG(status.st_mode)) return changed();
  if (count < 0) return fail(system_error(read_error, "read", shown()));
  entry.executable = (status.st_mode & S_IXUSR) != 0;
  entry.owner_only = entry.owner_only || is_owner_only(status.st_mode);
  entry.size_bytes = static_cast<std::uint64_t>(status.st_size);
  entry.stamp = files_->stamper.stamp(status, entry.path);
  begin(std::move(file), entry);
  const std::uint64_t first_bytes = std::min<std::uint64_t>(left_bytes_, k_piece_bytes);
  if (stamp_.is_settled() && static_cast<std::uint64_t>(count) == first_bytes) {
    // It hasn't changed for a while: not since this piece was read.
    first_piece_ = {buffer_.get(), static_cast<std::size_t>(count)};
    left_bytes_ -= first_bytes;
    if (left_bytes_ == 0) file_.reset();
    return {};
  }
  if (::lseek(file_.get(), 0, SEEK_SET) != 0) return fail_errno("read", shown());
  return {};
}

void FileReader::begin(Fd file, const Entry& entry) {
  first_piece_ = {};
  file_ = std::move(file);
  stamp_ = entry.stamp;
  left_bytes_ = entry.size_bytes;
  is_one_piece_ = left_bytes_ <= k_piece_bytes;
  if (!stamp_.is_settled() && !is_one_piece_) seen_.reset();
}

Result<void> FileReader::check_stamp(const Fd& file) const {
  RTENV_TRY(const bool same, has_stamp(file, path_, stamp_, *files_));
  return same ? Result<void>() : changed();
}

Result<std::span<const std::byte>> FileReader::next() {
  if (!first_piece_.empty()) return std::exchange(first_piece_, {});
  if (!file_) return std::span<const std::byte>();
  const bool last = left_bytes_ <= k_piece_bytes;
  // The last piece is read with one byte more, to notice that the file grew.
  const std::size_t wanted = last ? left_bytes_ + 1 : k_piece_bytes;
  const std::size_t enough = last ? left_bytes_ : wanted;
  std::size_t count = 0;
  do {
    const ssize_t result = ::read(file_.get(), buffer_.get() + count, wanted - count);
    if (result < 0 && errno == EINTR) continue;
    if (result < 0) return fail_errno("read", shown());
    if (result == 0) break;
    count += static_cast<std::size_t>(result);
  } while (count < enough);
  if (count != enough) return other_size();
  left_bytes_ -= count;
  const std::span<const std::byte> piece(buffer_.get(), count);
  if (!stamp_.is_settled() && !is_one_piece_) seen_.add(piece);
  if (last) {
    if (!stamp_.is_settled()) RTENV_TRY(read_again(piece));
    RTENV_TRY(check_stamp(file_));
    file_.reset();
  }
  return piece;
}

Result<void> FileReader::read_again(std::span<const std::byte> last_piece) {
  if (!again_) again_ = std::make_unique_for_overwrite<std::byte[]>(k_piece_bytes);
  Xxh3 hash;
  for (off_t offset = 0;;) {
    const std::span<std::byte> piece(again_.get(), k_piece_bytes);
    RTENV_TRY(const auto count, read_full_at(file_, piece, offset, shown()));
    if (is_one_piece_)
      return std::ranges::equal(piece.first(count), last_piece) ? Result<void>() : changed();
    hash.add(piece.first(count));
    offset += static_cast<off_t>(count);
    if (count < piece.size()) break;
  }
  return hash.finish() == seen_.finish() ? Result<void>() : changed();
}

Result<std::shared_ptr<const OpenContent>> DirectorySource::open(const Entry& entry) const {
  RTENV_TRY(Fd file, FileReader(files_).open_unchanged(entry));
  return std::make_shared<const OpenFile>(std::move(file), entry, files_);
}

}  // namespace rtenv::pkg
