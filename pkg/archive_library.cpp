#include "pkg/archive_library.hpp"

namespace rtenv::pkg {

Result<const ArchiveLibrary*> archive_library() {
  return load_once<ArchiveLibrary>(RTENV_ARCHIVE_SONAME);
}

}  // namespace rtenv::pkg
