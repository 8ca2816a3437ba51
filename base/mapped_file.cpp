#include "base/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace rtenv {

Result<MappedFile> MappedFile::open(const Path& path) {
  RTENV_TRY(const Fd file, open_regular_file(path, O_RDONLY));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return fail_errno("read", path.native());
  if (status.st_size == 0) return MappedFile(std::span<const std::byte>());
  const auto size_bytes = static_cast<std::size_t>(status.st_size);
  void* const address = ::mmap(nullptr, size_bytes, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (address == MAP_FAILED) return fail_errno("map", path.native());
  ::madvise(address, size_bytes, MADV_SEQUENTIAL);
  return MappedFile(std::span(static_cast<const std::byte*>(address), size_bytes));
}

void MappedFile::forget() const noexcept {
  if (!data_.empty()) ::madvise(const_cast<std::byte*>(data_.data()), data_.size(), MADV_DONTNEED);
}

MappedFile::~MappedFile() {
  if (!data_.empty()) ::munmap(const_cast<std::byte*>(data_.data()), data_.size());
}

}  // namespace rtenv
