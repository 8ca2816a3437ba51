// An open git repository, read through libgit2. For one thread.
#pragma once

#include <memory>

#include "base/fd.hpp"
#include "pkg/git_library.hpp"

namespace rtenv::pkg {

/// An object of libgit2, freed with its owner.
template <class Object>
using GitOwned = std::unique_ptr<Object, void (*)(Object*)>;

class GitRepository {
 public:
  /// `directory` is in a working tree, or is a bare repository. Fails: not_found,
  /// permission_denied (another user's), corrupt, unavailable (out of memory or descriptors).
  static Result<GitRepository> open(const Path& directory);

  [[nodiscard]] const GitLibrary& git() const { return *git_; }
  [[nodiscard]] git_repository* get() const { return repository_.get(); }
  [[nodiscard]] git_odb* database() const { return database_.get(); }

  /// An error with the reason that libgit2 gave last. Code: `code`; unavailable if the reason is
  /// that memory or descriptors are lacking, whatever failed for it.
  [[nodiscard]] Failure failed(Errc code, std::string_view what) const;

 private:
  explicit GitRepository(const GitLibrary& git)
      : git_(&git), repository_(nullptr, git.repository_free), database_(nullptr, git.odb_free) {}
  const GitLibrary* git_;
  GitOwned<git_repository> repository_;
  GitOwned<git_odb> database_;
};

}  // namespace rtenv::pkg
