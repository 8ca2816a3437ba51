#include "pkg/archive_library.hpp"

namespace rtenv::pkg {

Result<const ArchiveLibrary*> archive_library() {
  return load_once<ArchiveLibrary>("libarchive.so.13", "libarchive13");
}

}  // namespace rtenv::pkg
