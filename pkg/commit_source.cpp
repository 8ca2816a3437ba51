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
    const auto piece = std::span(*content_).subspan(
        position_, std::min(k_piece_bytes, content_->size() - position_));
    position_ += piece.size();
    return piece;
  }

  Result<void> read_at(const Entry& entry, std::uint64_t offset,
                       std::span<std::byte> buffer) override {
    RTENV_TRY(part_, source_.load(repository_, entry.path));  // held for the next piece
    std::memcpy(buffer.data(), part_->data() + offset, buffer.size());
    return {};
  }

 private:
  const CommitSource& source_;
  std::optional<GitRepository> repository_;  // opened by the first load
  std::shared_ptr<const Content> content_;
  std::shared_ptr<const Content> part_;
  std::size_t position_ = 0;
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

Result<std::shared_ptr<const Content>> CommitSource::load(std::optional<GitRepository>& repository,
                                                          const std::string& path) const {
  const GitBlob& blob = blobs_.at(path);
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = loaded_.find(path); known != loaded_.end())
      if (auto content = known->second.lock()) return content;
  }
  if (!repository) {
    RTENV_TRY(auto opened, GitRepository::open(directory_));
    repository.emplace(std::move(opened));
  }
  RTENV_TRY(Content content, load(*repository, blob));
  auto shared = std::make_shared<const Content>(std::move(content));
  if (shared->size() > ContentReader::k_piece_bytes) {
    const std::lock_guard lock(mutex_);
    loaded_[path] = shared;
  }
  return shared;
}

}  // namespace rtenv::pkg
