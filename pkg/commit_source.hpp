// The content of a commit's files, as a checkout would write them.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "pkg/content_source.hpp"
#include "pkg/git_repository.hpp"

namespace rtenv::pkg {

/// A file of the commit. Behind a link, its path in the package is another one.
struct GitBlob {
  git_oid id;
  std::string path;       // in the commit, to look up its attributes
  bool filtered = false;  // a checkout may convert it
};

/// `add` is for one thread, before the first reader; everything else is thread-safe, if each thread
/// has its own repository.
class CommitSource : public ContentSource {
 public:
  using Content = std::vector<std::byte>;

  /// `directory` is in the repository; readers open it again, once each.
  CommitSource(Path directory, git_oid commit, Environment environment)
      : directory_(std::move(directory)), commit_(commit), program_(std::move(environment)) {}

  [[nodiscard]] std::unique_ptr<ContentReader> reader() const override;
  [[nodiscard]] Result<std::shared_ptr<const OpenContent>> open(const Entry& entry) const override;

  /// The file that the package has at `path`.
  void add(const std::string& path, GitBlob blob) { blobs_.emplace(path, std::move(blob)); }

  /// Fails: corrupt.
  Result<Content> load(const GitRepository& repository, const GitBlob& blob) const;
  /// The file at `path` of the package. Opens the repository if it isn't open yet. Fails: corrupt,
  /// and as GitRepository::open.
  Result<Content> load(std::optional<GitRepository>& repository, const std::string& path) const;

 private:
  Path directory_;
  git_oid commit_;
  GitProgram program_;
  std::unordered_map<std::string, GitBlob> blobs_;
};

}  // namespace rtenv::pkg
