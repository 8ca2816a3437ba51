#include "base/directory_stream.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace rtenv {

Result<DirectoryStream> list_directory(Fd folder, const Path& shown) {
  DIR* stream = ::fdopendir(folder.get());
  if (stream == nullptr) return fail_errno("read directory", shown.native());
  folder.release();
  return DirectoryStream(stream);
}

Result<DirectoryStream> list_directory_at(int parent, const char* name, const Path& shown) {
  Fd fd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return fail_errno("open directory", shown.native());
  return list_directory(std::move(fd), shown);
}

const dirent* next_entry(DIR* stream) {
  const dirent* entry = ::readdir(stream);
  while (entry != nullptr &&
         (std::strcmp(entry->d_name, ".") == 0 || std::strcmp(entry->d_name, "..") == 0))
    entry = ::readdir(stream);
  return entry;
}

}  // namespace rtenv
