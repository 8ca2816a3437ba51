#include "pkg/file_stamp.hpp"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>

#include "base/hash.hpp"
#include "pkg/file_system_magic.hpp"

namespace rtenv::pkg {
namespace {

constexpr std::array<std::uint32_t, 8> k_trusted{
    EXT4_SUPER_MAGIC,      XFS_SUPER_MAGIC,  BTRFS_SUPER_MAGIC, TMPFS_MAGIC,
    OVERLAYFS_SUPER_MAGIC, F2FS_SUPER_MAGIC, k_zfs_magic,       k_bcachefs_magic};

bool before(const timespec& a, const timespec& b) {
  return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}

FileStamp to_stamp(const Xxh3::Bytes& bytes) {
  FileStamp stamp;
  static_assert(sizeof stamp == sizeof bytes);
  std::memcpy(&stamp, bytes.data(), sizeof stamp);
  return stamp;
}

FileStamp hash(const std::array<std::uint64_t, 8>& state, std::string_view path) {
  constexpr std::size_t k_short_path_bytes = 200;  // longer paths take the slower streaming hash
  std::array<std::byte, sizeof state + k_short_path_bytes> key;
  if (path.size() > k_short_path_bytes) {
    Xxh3 hash;
    hash.add(std::as_bytes(std::span(state)));
    hash.add(path);
    return to_stamp(hash.finish());
  }
  std::memcpy(key.data(), state.data(), sizeof state);
  std::memcpy(key.data() + sizeof state, path.data(), path.size());
  return to_stamp(Xxh3::of(std::span(key).first(sizeof state + path.size())));
}

}  // namespace

FileStamp FileStamp::of_name(char type, std::string_view path, std::string_view link_target) {
  Xxh3 hash;
  hash.add(std::string_view(&type, 1));
  hash.add(path);
  hash.add(std::string_view("\0", 1));
  hash.add(link_target);
  return to_stamp(hash.finish());
}

Result<FileStamper> FileStamper::begin(const Fd& root, std::chrono::nanoseconds settle_time) {
  struct statfs file_system {};
  struct stat status {};
  if (::fstatfs(root.get(), &file_system) != 0 || ::fstat(root.get(), &status) != 0)
    return fail_errno("read", "the root of the directory");
  const bool trusted =
      std::ranges::find(k_trusted, static_cast<std::uint32_t>(file_system.f_type)) !=
      k_trusted.end();
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  constexpr std::int64_t k_nanoseconds = 1'000'000'000;
  const std::int64_t nanoseconds = now.tv_sec * k_nanoseconds + now.tv_nsec - settle_time.count();
  // Another disk image may be mounted at the same device.
  std::uint64_t id = 0;
  static_assert(sizeof id == sizeof file_system.f_fsid);
  std::memcpy(&id, &file_system.f_fsid, sizeof id);
  const std::uint64_t own_id = id ^ status.st_dev;
  const std::array<std::uint64_t, 2> identity{own_id, status.st_ino};
  return FileStamper(
      status.st_dev, own_id, trusted, to_stamp(Xxh3::of(std::as_bytes(std::span(identity)))),
      {.tv_sec = nanoseconds / k_nanoseconds, .tv_nsec = nanoseconds % k_nanoseconds});
}

FileStamp FileStamper::stamp(const struct stat& status, std::string_view path) const {
  const std::array<std::uint64_t, 8> state{file_system_,
                                           status.st_dev,
                                           status.st_ino,
                                           static_cast<std::uint64_t>(status.st_size),
                                           static_cast<std::uint64_t>(status.st_mtim.tv_sec),
                                           static_cast<std::uint64_t>(status.st_mtim.tv_nsec),
                                           static_cast<std::uint64_t>(status.st_ctim.tv_sec),
                                           static_cast<std::uint64_t>(status.st_ctim.tv_nsec)};
  // The file system of another device isn't known.
  const bool settled = trusted_ && status.st_dev == device_ &&
                       before(status.st_mtim, settled_before_) &&
                       before(status.st_ctim, settled_before_);
  FileStamp stamp = hash(state, path);
  stamp.low = settled ? stamp.low | FileStamp::k_settled : stamp.low & ~FileStamp::k_settled;
  return stamp;
}

}  // namespace rtenv::pkg
