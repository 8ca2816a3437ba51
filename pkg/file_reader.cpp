#include "pkg/file_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "pkg/tree_path.hpp"

namespace rtenv::pkg {

Result<Fd> FileReader::open_at(const std::string& path) {
  if (!root_) {
    RTENV_TRY(root_, open_file(root_path_, O_PATH | O_DIRECTORY));
  }
  const auto [folder, last] = split_name(path);
  if (folder != folder_path_) {
    folder_path_ = folder;
    folder_ =
        folder.empty()
            ? Fd()
            : Fd(::openat(root_.get(), folder_path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  const Fd& parent = folder_ ? folder_ : root_;
  const char* name = folder_ ? last.data() : path.c_str();
  // O_NONBLOCK: opening must not hang if a FIFO has replaced the file since the scan.
  Fd file(::openat(parent.get(), name, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file) return fail_errno("open", shown(path));
  return file;
}

Result<void> FileReader::open(const Entry& entry) {
  RTENV_TRY(file_, open_at(entry.path));
  path_ = entry.path;
  stamp_ = entry.stamp;
  left_bytes_ = entry.size_bytes;
  return check_stamp();
}

Result<void> FileReader::check_stamp() const {
  if (!stamper_ || !stamp_) return {};
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0) return fail_errno("read", shown(path_));
  if (stamper_->stamp(status, path_) != stamp_) return changed(path_);
  return {};
}

Result<void> FileReader::open_and_measure(Entry& entry) {
  if (entry.measured) return open(entry);
  RTENV_TRY(file_, open_at(entry.path));
  path_ = entry.path;
  stamp_ = {};
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0) return fail_errno("read", shown(path_));
  if (!S_ISREG(status.st_mode)) return changed(path_);
  entry.measured = true;
  entry.executable = (status.st_mode & S_IXUSR) != 0;
  entry.size_bytes = static_cast<std::uint64_t>(status.st_size);
  left_bytes_ = entry.size_bytes;
  return {};
}

Result<std::span<const std::byte>> FileReader::next() {
  if (!file_) return std::span<const std::byte>();
  const bool last = left_bytes_ <= k_piece_bytes;
  // The last piece is read with one byte more, to notice that the file grew.
  const std::size_t wanted = last ? left_bytes_ + 1 : k_piece_bytes;
  const std::size_t enough = last ? left_bytes_ : wanted;
  std::size_t count = 0;
  do {
    const ssize_t result = ::read(file_.get(), buffer_.get() + count, wanted - count);
    if (result < 0 && errno == EINTR) continue;
    if (result < 0) return fail_errno("read", shown(path_));
    if (result == 0) break;
    count += static_cast<std::size_t>(result);
  } while (count < enough);
  if (count != enough) return changed(path_);
  left_bytes_ -= count;
  if (last) {
    RTENV_TRY(check_stamp());
    file_.reset();
  }
  return std::span<const std::byte>(buffer_.get(), count);
}

Result<void> FileReader::read_at(const Entry& entry, std::uint64_t offset,
                                 std::span<std::byte> buffer) {
  RTENV_TRY(const Fd file, open_at(entry.path));
  RTENV_TRY(const auto count,
            read_full_at(file, buffer, static_cast<off_t>(offset), shown(entry.path)));
  std::size_t beyond_count = 0;
  if (offset + buffer.size() == entry.size_bytes) {
    std::byte beyond{};
    RTENV_TRY(beyond_count, read_full_at(file, std::span(&beyond, 1),
                                         static_cast<off_t>(entry.size_bytes), shown(entry.path)));
  }
  if (count != buffer.size() || beyond_count != 0) return changed(entry.path);
  return {};
}

}  // namespace rtenv::pkg
