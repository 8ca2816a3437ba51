// An open git repository, read through libgit2. For one thread.
#pragma once

#include <memory>
#include <optional>

#include "base/fd.hpp"
#include "pkg/git_library.hpp"
#include "pkg/git_program.hpp"

namespace rtenv::pkg {

/// An object of libgit2, freed with its owner.
template <class Object>
using GitOwned = std::unique_ptr<Object, void (*)(Object*)>;

class GitRepository {
 public:
  /// The objects and references of the repository whose working tree `directory` is in, or of a
  /// bare one: what is in the working tree or the index doesn't count for them. `program` is asked
  /// whether it trusts another user's repository. Fails: not_found, permission_denied (another
  /// user's), corrupt, unavailable (out of memory or descriptors); as check_repository_files.
  static Result<GitRepository> open(const Path& directory, const GitProgram& program);
  /// The same with the working tree and the index.
  static Result<GitRepository> open_work_tree(const Path& directory, const GitProgram& program);

  [[nodiscard]] const GitLibrary& git() const { return *git_; }
  [[nodiscard]] git_repository* get() const { return repository_.get(); }
  /// The top of the working tree; nullopt for a bare repository.
  [[nodiscard]] const std::optional<Path>& work_tree() const { return work_tree_; }
  [[nodiscard]] git_odb* database() const { return database_.get(); }

  /// An error with the reason that libgit2 gave last. Code: `code`; unavailable if the reason is
  /// that memory or descriptors are lacking, whatever failed for it.
  [[nodiscard]] Failure failed(Errc code, std::string_view what) const;

 private:
  explicit GitRepository(const GitLibrary& git)
      : git_(&git), repository_(nullptr, git.repository_free), database_(nullptr, git.odb_free) {}
  static Result<GitRepository> open(const Path& directory, const GitProgram& program,
                                    bool with_work_tree);
  Result<void> use_no_index();

  const GitLibrary* git_;
  std::optional<Path> work_tree_;
  GitOwned<git_repository> repository_;
  GitOwned<git_odb> database_;
};

}  // namespace rtenv::pkg
