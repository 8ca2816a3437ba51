#include "pkg/git_repository.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>

#include "base/text.hpp"
#include "pkg/repository_files.hpp"

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

bool is_owned_by_another(const GitLibrary& git, int opened) {
  return opened == GIT_EOWNER || (opened != 0 && misses_safe_directory(git));
}

// git knows more ways than libgit2 to say that a repository is safe.
Result<bool> is_trusted(const RepositoryPlace& place, const GitProgram& program) {
  if (!program.exists()) return false;
  RTENV_TRY(const auto answer, program.ask(place.top, {"rev-parse", "--absolute-git-dir"}));
  std::error_code error;
  return answer.exit_code == 0 &&
         std::filesystem::equivalent(trim_end(answer.output, "\n"), place.git_dir, error);
}

// Whether libgit2 checks the owner is a setting of the whole process. `trusted`: it doesn't.
int open_locked(const GitLibrary& git, const Path& path, unsigned flags, bool trusted,
                git_repository*& repository) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  git.libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, trusted ? 0 : 1);
  return git.repository_open_ext(&repository, path.c_str(), GIT_REPOSITORY_OPEN_NO_SEARCH | flags,
                                 nullptr);
}

}  // namespace

Result<GitRepository> GitRepository::open(const Path& directory, const GitProgram& program) {
  RTENV_TRY(GitRepository repository, open(directory, program, false));
  RTENV_TRY(repository.use_no_index());
  return repository;
}

Result<GitRepository> GitRepository::open_work_tree(const Path& directory,
                                                    const GitProgram& program) {
  return open(directory, program, true);
}

// libgit2 would also take the attributes that are staged.
Result<void> GitRepository::use_no_index() {
  git_index* index = nullptr;
  if (git_->index_new(&index) != 0) return failed(Errc::corrupt, "cannot make an empty index");
  const GitOwned<git_index> owner(index, git_->index_free);
  if (git_->repository_set_index(repository_.get(), index) != 0)
    return failed(Errc::corrupt, "cannot use an empty index");
  return {};
}

Result<GitRepository> GitRepository::open(const Path& directory, const GitProgram& program,
                                          bool with_work_tree) {
  RTENV_TRY(const GitLibrary* git, git_library());
  const auto place = find_repository(directory);
  if (!place) return fail(Errc::not_found, "{} isn't in a git repository", directory.native());
  RTENV_TRY(check_repository_files(*place, program));
  GitRepository result(*git);
  if (place->top != place->git_dir) result.work_tree_ = place->top;
  const Path& path = with_work_tree ? place->top : place->git_dir;
  const unsigned flags = with_work_tree ? 0 : GIT_REPOSITORY_OPEN_BARE;
  git_repository* repository = nullptr;
  int opened = open_locked(*git, path, flags, false, repository);
  if (is_owned_by_another(*git, opened)) {
    RTENV_TRY(const bool trusted, is_trusted(*place, program));
    if (!trusted)
      return fail(Errc::permission_denied, "the repository of {} belongs to another user",
                  directory.native())
          .hint("if you trust it: git config --global --add safe.directory {}",
                place->top.native());
    opened = open_locked(*git, path, flags, true, repository);
  }
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
