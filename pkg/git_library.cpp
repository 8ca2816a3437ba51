#include "pkg/git_library.hpp"

namespace rtenv::pkg {

Result<const GitLibrary*> git_library() {
  return load_once<GitLibrary>(RTENV_GIT2_SONAME, [](const GitLibrary& git) -> Result<void> {
    if (git.libgit2_init() < 0) return fail(Errc::unavailable, "libgit2 can't be initialized");
    return {};
  });
}

}  // namespace rtenv::pkg
