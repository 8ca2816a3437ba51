#include "pkg/git_repository.hpp"

namespace rtenv::pkg {

Result<GitRepository> GitRepository::open(const Path& directory) {
  RTENV_TRY(const GitLibrary* git, git_library());
  GitRepository result(*git);
  git_repository* repository = nullptr;
  if (git->repository_open_ext(&repository, directory.c_str(), 0, nullptr) != 0)
    return result.failed(
        Errc::not_found,
        fmt::format("{} isn't in a git repository that can be read", directory.native()));
  result.repository_.reset(repository);
  git_odb* database = nullptr;
  if (git->repository_odb(&database, repository) != 0)
    return result.failed(Errc::corrupt, "cannot read the repository's objects");
  result.database_.reset(database);
  return result;
}

Failure GitRepository::failed(Errc code, std::string_view what) const {
  const git_error* error = git_->error_last();
  return fail(code, "{}: {}", what,
              error != nullptr && error->message != nullptr ? error->message : "unknown reason");
}

}  // namespace rtenv::pkg
