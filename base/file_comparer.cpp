#include "base/file_comparer.hpp"

#include <fcntl.h>

#include <cstring>

namespace rtenv {
namespace {

constexpr std::size_t k_buffer_bytes = 1 << 17;

Result<Fd> open_entry(EntryAt entry, std::string_view shown) {
  Fd fd(::openat(entry.folder, entry.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return fail_errno("open", shown);
  return fd;
}

}  // namespace

Result<bool> FileComparer::have_equal_content(EntryAt first, EntryAt second, const Path& shown) {
  const std::string path = (shown / first.name).native();
  RTENV_TRY(const Fd a, open_entry(first, path));
  RTENV_TRY(const Fd b, open_entry(second, path));
  first_.resize(k_buffer_bytes);
  second_.resize(k_buffer_bytes);
  for (off_t offset = 0;;) {
    RTENV_TRY(const std::size_t count, read_full_at(a, first_, offset, path));
    RTENV_TRY(const std::size_t other, read_full_at(b, second_, offset, path));
    if (count != other || std::memcmp(first_.data(), second_.data(), count) != 0) return false;
    if (count < k_buffer_bytes) return true;
    offset += static_cast<off_t>(count);
  }
}

}  // namespace rtenv
