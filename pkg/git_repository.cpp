#include "pkg/git_repository.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace rtenv::pkg {
namespace {

constexpr std::array k_resource_errors{ENOMEM, EMFILE, ENFILE};

// libgit2 1.5 doesn't say that the repository is another user's, but that the setting which would
// allow it isn't set.
bool misses_safe_directory(const GitLibrary& git) {
  const git_error* error = git.error_last();
  return error != nullptr && error->message != nullptr &&
         std::string_view(error->message).find("'safe.directory'") != std::string_view::npos;
}

// libgit2 has a code only for memory that it allocates, not for what the system refuses.
bool is_lack_of_resources(const git_error& error) {
  if (error.klass == GIT_ERROR_NOMEMORY) return true;
  return error.klass == GIT_ERROR_OS && std::ranges::any_of(k_resource_errors, [&](int number) {
           return std::string_view(error.message).ends_with(std::strerror(number));
         });
}

}  // namespace

Result<GitRepository> GitRepository::open(const Path& directory) {
  RTENV_TRY(const GitLibrary* git, git_library());
  GitRepository result(*git);
  git_repository* repository = nullptr;
  const int opened = git->repository_open_ext(&repository, directory.c_str(), 0, nullptr);
  if (opened == GIT_EOWNER || (opened != 0 && misses_safe_directory(*git)))
    return fail(Errc::permission_denied, "the repository of {} belongs to another user",
                directory.native())
        .hint("if you trust it: git config --global --add safe.directory {}", directory.native());
  if (opened != 0)
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
  if (error == nullptr || error->message == nullptr) return fail(code, "{}: unknown reason", what);
  return fail(is_lack_of_resources(*error) ? Errc::unavailable : code, "{}: {}", what,
              error->message);
}

}  // namespace rtenv::pkg
