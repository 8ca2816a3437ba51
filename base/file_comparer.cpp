#include "base/file_comparer.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <span>

namespace rtenv {
namespace {

constexpr std::size_t k_buffer_bytes = 1 << 17;

}  // namespace

Result<bool> FileComparer::have_equal_content(EntryAt first, EntryAt second,
                                              std::uint64_t size_bytes, const Path& shown) {
  constexpr int k_flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  const Fd a(::openat(first.folder, first.name, k_flags));
  const Fd b(::openat(second.folder, second.name, k_flags));
  if (!a || !b) return fail_errno("open", (shown / first.name).native());
  first_.resize(k_buffer_bytes);
  second_.resize(k_buffer_bytes);
  for (std::uint64_t offset = 0; offset < size_bytes;) {
    const std::size_t wanted = std::min<std::uint64_t>(size_bytes - offset, k_buffer_bytes);
    for (const auto& [fd, buffer] : {std::pair(&a, &first_), std::pair(&b, &second_)}) {
      RTENV_TRY(const std::size_t count, read_full_at(*fd, std::span(*buffer).first(wanted),
                                                      static_cast<off_t>(offset), first.name));
      if (count != wanted) return false;
    }
    if (std::memcmp(first_.data(), second_.data(), wanted) != 0) return false;
    offset += wanted;
  }
  return true;
}

}  // namespace rtenv
