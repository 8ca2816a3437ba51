#include "pkg/commit_source.hpp"

#include <algorithm>
#include <cstring>

#include "pkg/tree.hpp"

namespace rtenv::pkg {
namespace {

using Content = CommitSource::Content;

Content copy(const void* data, std::size_t size) {
  Content content(size);
  if (size > 0) std::memcpy(content.data(), data, size);
  return content;
}

class BlobReader : public ContentReader {
 public:
  explicit BlobReader(const CommitSource& source) : source_(source) {}

  Result<void> open(const Entry& entry) override {
    RTENV_TRY(content_, source_.load(repository_, entry.path));
    position_ = 0;
    return {};
  }

  Result<std::span<const std::byte>> next() override {
    const auto piece = std::span(content_).subspan(
        position_, std::min(k_piece_bytes, content_.size() - position_));
    position_ += piece.size();
    return piece;
  }

 private:
  const CommitSource& source_;
  std::optional<GitRepository> repository_;  // opened by the first load
  Content content_;
  std::size_t position_ = 0;
};

// A blob in memory.
class OpenBlob : public OpenContent {
 public:
  OpenBlob(Content content, std::string path)
      : content_(std::move(content)), path_(std::move(path)) {}
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> buffer) const override {
    if (offset > content_.size() || buffer.size() > content_.size() - offset) return changed();
    std::memcpy(buffer.data(), content_.data() + offset, buffer.size());
    return {};
  }
  [[nodiscard]] Failure changed() const override { return changed_while(path_, "read"); }

 private:
  Content content_;
  std::string path_;
};

}  // namespace

std::unique_ptr<ContentReader> CommitSource::reader() const {
  return std::make_unique<BlobReader>(*this);
}

Result<Content> CommitSource::load(const GitRepository& repository, const GitBlob& blob) const {
  const GitLibrary& git = repository.git();
  if (!blob.filtered) {
    git_odb_object* object = nullptr;
    if (git.odb_read(&object, repository.database(), &blob.id) != 0)
      return repository.failed(Errc::corrupt, "cannot read " + blob.path);
    const GitOwned<git_odb_object> owner(object, git.odb_object_free);
    return copy(git.odb_object_data(object), git.odb_object_size(object));
  }
  git_blob* object = nullptr;
  if (git.blob_lookup(&object, repository.get(), &blob.id) != 0)
    return repository.failed(Errc::corrupt, "cannot read " + blob.path);
  const GitOwned<git_blob> owner(object, git.blob_free);
  git_blob_filter_options options = GIT_BLOB_FILTER_OPTIONS_INIT;
  options.flags = GIT_BLOB_FILTER_NO_SYSTEM_ATTRIBUTES | GIT_BLOB_FILTER_ATTRIBUTES_FROM_COMMIT;
  options.attr_commit_id = commit_;
  git_buf buffer{};
  if (git.blob_filter(&buffer, object, blob.path.c_str(), &options) != 0)
    return repository.failed(Errc::corrupt, "cannot apply the git attributes of " + blob.path);
  Content content = copy(buffer.ptr, buffer.size);
  git.buf_dispose(&buffer);
  return content;
}

Result<Content> CommitSource::load(std::optional<GitRepository>& repository,
                                   const std::string& path) const {
  if (!repository) {
    RTENV_TRY(auto opened, GitRepository::open(directory_, program_));
    repository.emplace(std::move(opened));
  }
  return load(*repository, blobs_.at(path));
}

Result<std::shared_ptr<const OpenContent>> CommitSource::open(const Entry& entry) const {
  std::optional<GitRepository> repository;
  RTENV_TRY(Content content, load(repository, entry.path));
  return std::make_shared<const OpenBlob>(std::move(content), entry.path);
}

}  // namespace rtenv::pkg
