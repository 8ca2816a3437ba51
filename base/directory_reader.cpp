#include "base/directory_reader.hpp"

#include <dirent.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace rtenv {
namespace {

constexpr std::size_t k_read_bytes = 1 << 15;  // per system call, as readdir(3) of glibc

}  // namespace

Result<std::span<const DirectoryReader::Item>> DirectoryReader::list(const Fd& folder,
                                                                     std::string_view shown) {
  // Read the whole listing first: the buffer may move while it grows, and the items point into it.
  std::size_t used = 0;
  for (;;) {
    if (buffer_.size() - used < k_read_bytes)
      buffer_.resize(std::max(2 * buffer_.size(), used + k_read_bytes));
    const long count =
        ::syscall(SYS_getdents64, folder.get(), buffer_.data() + used, buffer_.size() - used);
    if (count < 0) return fail_errno("read directory", shown);
    if (count == 0) break;
    used += static_cast<std::size_t>(count);
  }
  items_.clear();
  for (std::size_t at = 0; at < used;) {
    dirent64 record;  // only up to the name, which has a variable length
    constexpr std::size_t k_name_offset = offsetof(dirent64, d_name);
    std::memcpy(&record, buffer_.data() + at, k_name_offset);
    const char* name = buffer_.data() + at + k_name_offset;
    at += record.d_reclen;
    if (std::strcmp(name, ".") != 0 && std::strcmp(name, "..") != 0)
      items_.push_back({name, record.d_type});
  }
  return std::span<const Item>(items_);
}

}  // namespace rtenv
