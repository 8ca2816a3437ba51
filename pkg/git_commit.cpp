#include "pkg/git_commit.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "pkg/folder_rules.hpp"
#include "pkg/git_library.hpp"

namespace rtenv::pkg {
namespace {

constexpr std::string_view k_lfs_pointer = "version https://git-lfs.github.com/spec/v1\n";
constexpr std::size_t k_max_lfs_pointer_bytes = 1024;
constexpr int k_max_links = 40;  // on the way to one file, as in Linux

// An open repository, for one thread.
class Repository {
 public:
  static Result<Repository> open(const Path& directory) {
    RTENV_TRY(const GitLibrary* git, git_library());
    Repository result(*git);
    git_repository* repository = nullptr;
    if (git->repository_open_ext(&repository, directory.c_str(), 0, nullptr) != 0)
      return result.failed(
          Errc::not_found,
          fmt::format("{} isn't in a git repository that can be read", directory.native()));
    result.repository_.reset(repository);
    git_odb* database = nullptr;
    if (git->repository_odb(&database, repository) != 0)
      return result.failed(Errc::corrupt, "the repository's objects can't be read");
    result.database_.reset(database);
    return result;
  }

  [[nodiscard]] const GitLibrary& git() const { return *git_; }
  [[nodiscard]] git_repository* get() const { return repository_.get(); }
  [[nodiscard]] git_odb* database() const { return database_.get(); }

  [[nodiscard]] Failure failed(Errc code, std::string_view what) const {
    const git_error* error = git_->error_last();
    return fail(code, "{}: {}", what,
                error != nullptr && error->message != nullptr ? error->message : "unknown reason");
  }

 private:
  explicit Repository(const GitLibrary& git)
      : git_(&git), repository_(nullptr, git.repository_free), database_(nullptr, git.odb_free) {}
  const GitLibrary* git_;
  GitOwned<git_repository> repository_;
  GitOwned<git_odb> database_;
};

using Content = std::vector<std::byte>;

struct Blob {
  git_oid id;
  std::string path;       // in the commit: what its attributes are asked by
  bool filtered = false;  // a checkout may change it
};

// What packages of a commit read. Large blobs are shared between the threads that compress their
// pieces.
class CommitSource : public ContentSource {
 public:
  CommitSource(Path directory, git_oid commit)
      : directory_(std::move(directory)), commit_(commit) {}

  [[nodiscard]] std::unique_ptr<ContentReader> reader() const override;
  void add(const std::string& path, Blob blob) { blobs_.emplace(path, std::move(blob)); }

  // As a checkout would write it.
  Result<Content> load(const Repository& repository, const Blob& blob) const {
    const GitLibrary& git = repository.git();
    const auto copy = [](const void* data, std::size_t size) {
      Content content(size);
      if (size > 0) std::memcpy(content.data(), data, size);
      return content;
    };
    if (!blob.filtered) {
      git_odb_object* object = nullptr;
      if (git.odb_read(&object, repository.database(), &blob.id) != 0)
        return repository.failed(Errc::corrupt, "can't read " + blob.path);
      const GitOwned<git_odb_object> owner(object, git.odb_object_free);
      return copy(git.odb_object_data(object), git.odb_object_size(object));
    }
    git_blob* object = nullptr;
    if (git.blob_lookup(&object, repository.get(), &blob.id) != 0)
      return repository.failed(Errc::corrupt, "can't read " + blob.path);
    const GitOwned<git_blob> owner(object, git.blob_free);
    git_blob_filter_options options = GIT_BLOB_FILTER_OPTIONS_INIT;
    options.flags = GIT_BLOB_FILTER_NO_SYSTEM_ATTRIBUTES | GIT_BLOB_FILTER_ATTRIBUTES_FROM_COMMIT;
    options.attr_commit_id = commit_;
    git_buf buffer{};
    if (git.blob_filter(&buffer, object, blob.path.c_str(), &options) != 0)
      return repository.failed(Errc::corrupt, "can't apply the attributes of " + blob.path);
    Content content = copy(buffer.ptr, buffer.size);
    git.buf_dispose(&buffer);
    return content;
  }

  Result<std::shared_ptr<const Content>> load(std::optional<Repository>& repository,
                                              const std::string& path) const {
    const Blob& blob = blobs_.at(path);
    {
      const std::lock_guard lock(mutex_);
      if (const auto known = loaded_.find(path); known != loaded_.end())
        if (auto content = known->second.lock()) return content;
    }
    if (!repository) {
      RTENV_TRY(auto opened, Repository::open(directory_));
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

 private:
  Path directory_;
  git_oid commit_;
  std::unordered_map<std::string, Blob> blobs_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::weak_ptr<const Content>>
      loaded_;  // of several pieces, while somebody has it
};

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
    RTENV_TRY(part_, source_.load(repository_, entry.path));  // kept for the next piece
    std::memcpy(buffer.data(), part_->data() + offset, buffer.size());
    return {};
  }

 private:
  const CommitSource& source_;
  std::optional<Repository> repository_;  // opened when it is first needed
  std::shared_ptr<const Content> content_;
  std::shared_ptr<const Content> part_;
  std::size_t position_ = 0;
};

std::unique_ptr<ContentReader> CommitSource::reader() const {
  return std::make_unique<BlobReader>(*this);
}

class CommitScanner {
 public:
  CommitScanner(const Repository& repository, git_oid whole, git_oid root, std::string root_path,
                CommitSource& source, Tree& tree, const ScanOptions& options)
      : repository_(repository),
        git_(repository.git()),
        whole_(whole),
        root_(root),
        root_path_(std::move(root_path)),
        source_(source),
        tree_(tree),
        options_(options),
        excludes_(IgnoreFile::from_patterns(options.excludes, "excludes", options.semantics)) {}

  Result<void> run() {
    RTENV_TRY(converts_, may_convert());
    RTENV_TRY(walk({.path = root_path_, .id = root_, .mode = GIT_FILEMODE_TREE}, "",
                   std::make_shared<FolderRules>(excludes_, options_.semantics)));
    std::ranges::sort(tree_.entries, {}, &Entry::path);
    for (Entry& entry : tree_.entries) {
      if (entry.type != EntryType::directory) continue;
      const std::string below = entry.path + '/';
      const auto first = std::ranges::lower_bound(tree_.entries, below, {}, &Entry::path);
      entry.childless = first == tree_.entries.end() || !first->path.starts_with(below);
    }
    std::ranges::sort(tree_.excluded, {}, &Excluded::path);
    return {};
  }

 private:
  using Rules = std::shared_ptr<const FolderRules>;

  // Something in the commit, where it really is: behind a link, its path in the package is another.
  struct Found {
    std::string path;
    git_oid id;
    git_filemode_t mode;
  };

  Result<GitOwned<git_tree>> lookup_tree(const git_oid& id) const {
    git_tree* tree = nullptr;
    if (git_.tree_lookup(&tree, repository_.get(), &id) != 0)
      return repository_.failed(Errc::corrupt, "can't read a folder of the commit");
    return GitOwned<git_tree>(tree, git_.tree_free);
  }

  // Whether a checkout could change a file at all: asking for each file's attributes costs more
  // than reading it.
  Result<bool> may_convert() const {
    git_config* config = nullptr;
    if (git_.repository_config_snapshot(&config, repository_.get()) == 0) {
      const GitOwned<git_config> owner(config, git_.config_free);
      const char* value = nullptr;
      if (git_.config_get_string(&value, config, "core.autocrlf") == 0 &&
          std::string_view(value) == "true")
        return true;
    }
    return has_attributes(whole_);
  }

  Result<bool> has_attributes(const git_oid& id) const {
    RTENV_TRY(const auto tree, lookup_tree(id));
    for (std::size_t i = 0; i < git_.tree_entrycount(tree.get()); ++i) {
      const git_tree_entry* entry = git_.tree_entry_byindex(tree.get(), i);
      if (std::string_view(git_.tree_entry_name(entry)) == ".gitattributes") return true;
      if (git_.tree_entry_filemode(entry) != GIT_FILEMODE_TREE) continue;
      RTENV_TRY(const bool below, has_attributes(*git_.tree_entry_id(entry)));
      if (below) return true;
    }
    return false;
  }

  Result<std::string> text_of(const Found& found) const {
    const bool filtered = converts_ && found.mode != GIT_FILEMODE_LINK;
    RTENV_TRY(
        const Content content,
        source_.load(repository_, {.id = found.id, .path = found.path, .filtered = filtered}));
    return std::string(reinterpret_cast<const char*>(content.data()), content.size());
  }

  Result<Rules> rules_of(git_tree* tree, const std::string& real_path, const std::string& path,
                         const Rules& outer) const {
    std::vector<IgnoreFile> files;
    for (const std::string_view name : k_ignore_files) {
      if (!options_.use_gitignore && name == ".gitignore") continue;
      const auto file = find(tree, real_path, name);
      if (!file || (file->mode != GIT_FILEMODE_BLOB && file->mode != GIT_FILEMODE_BLOB_EXECUTABLE))
        continue;
      RTENV_TRY(const std::string text, text_of(*file));
      files.push_back(IgnoreFile::parse(text, join_path(path, name), options_.semantics));
    }
    if (files.empty()) return outer;
    return std::make_shared<FolderRules>(outer, path, std::move(files));
  }

  Found found_at(const git_tree_entry* entry, const std::string& folder) const {
    return {.path = join_path(folder, git_.tree_entry_name(entry)),
            .id = *git_.tree_entry_id(entry),
            .mode = git_.tree_entry_filemode(entry)};
  }

  // `folder`: the tree's path in the commit.
  std::optional<Found> find(git_tree* tree, const std::string& folder,
                            std::string_view name) const {
    for (std::size_t i = 0; i < git_.tree_entrycount(tree); ++i)
      if (const git_tree_entry* entry = git_.tree_entry_byindex(tree, i);
          git_.tree_entry_name(entry) == name)
        return found_at(entry, folder);
    return std::nullopt;
  }

  void leave_out(std::string path, bool directory, const Verdict& verdict) {
    if (options_.record_excluded)
      tree_.excluded.push_back(
          {.path = std::move(path), .directory = directory, .reason = verdict.reason()});
  }

  Result<void> walk(const Found& folder, const std::string& path, const Rules& outer) {
    if (options_.cancellation != nullptr && options_.cancellation->requested())
      return fail(Errc::cancelled, "interrupted while reading a commit");
    if (std::ranges::find(walking_, folder.path) != walking_.end())
      return fail(Errc::invalid_argument, "{} is a link that leads back to its own parent folder",
                  path)
          .hint("exclude it or remove it");
    walking_.push_back(folder.path);
    auto walked = walk_content(folder, path, outer);
    walking_.pop_back();
    return walked;
  }

  Result<void> walk_content(const Found& folder, const std::string& path, const Rules& outer) {
    RTENV_TRY(const auto tree, lookup_tree(folder.id));
    RTENV_TRY(const Rules rules, rules_of(tree.get(), folder.path, path, outer));
    if (rules != outer && !path.empty()) {
      if (const auto verdict = rules->excludes_itself()) {
        leave_out(path, true, *verdict);
        return {};
      }
    }
    if (!path.empty())
      tree_.entries.push_back({.path = path, .type = EntryType::directory, .link_target = {}});
    for (std::size_t i = 0; i < git_.tree_entrycount(tree.get()); ++i) {
      const git_tree_entry* entry = git_.tree_entry_byindex(tree.get(), i);
      RTENV_TRY(
          visit(found_at(entry, folder.path), join_path(path, git_.tree_entry_name(entry)), rules));
    }
    return {};
  }

  Result<void> visit(const Found& found, const std::string& path, const Rules& rules) {
    const bool directory = found.mode == GIT_FILEMODE_TREE || found.mode == GIT_FILEMODE_COMMIT;
    if (const auto verdict = rules->excluded(path, directory)) {
      leave_out(path, directory, *verdict);
      return {};
    }
    switch (found.mode) {
      case GIT_FILEMODE_TREE: return walk(found, path, rules);
      case GIT_FILEMODE_COMMIT:
        tree_.entries.push_back({.path = path, .type = EntryType::directory, .link_target = {}});
        tree_.warnings.push_back(
            path +
            " is a submodule: an empty folder is packed, as its content isn't in this repository");
        return {};
      case GIT_FILEMODE_LINK: return add_link(found, path, rules);
      default: return add_file(found, path);
    }
  }

  Result<void> add_file(const Found& found, const std::string& path) {
    Blob blob{.id = found.id, .path = found.path, .filtered = converts_};
    std::size_t size = 0;
    git_object_t type{};
    if (git_.odb_read_header(&size, &type, repository_.database(), &found.id) != 0)
      return repository_.failed(Errc::corrupt, "can't read " + path);
    if (converts_ || size <= k_max_lfs_pointer_bytes) {
      RTENV_TRY(const Content content, source_.load(repository_, blob));
      size = content.size();
      const std::string_view text(reinterpret_cast<const char*>(content.data()), content.size());
      if (text.starts_with(k_lfs_pointer))
        tree_.warnings.push_back(
            path +
            " is a git-lfs pointer: it is packed as such, as its content isn't in this repository");
    }
    source_.add(path, std::move(blob));
    tree_.entries.push_back({.path = path,
                             .executable = found.mode == GIT_FILEMODE_BLOB_EXECUTABLE,
                             .size_bytes = size,
                             .link_target = {}});
    return {};
  }

  Result<void> add_link(const Found& link, const std::string& path, const Rules& rules) {
    RTENV_TRY(std::string target, text_of(link));
    if (options_.links == Links::keep && stays_inside(path, target)) {
      tree_.entries.push_back(
          {.path = path, .type = EntryType::link, .link_target = std::move(target)});
      return {};
    }
    RTENV_TRY(const auto found, follow(link.path, target));
    if (!found) {
      if (options_.links == Links::follow)
        tree_.entries.push_back({.path = path, .type = EntryType::name_only, .link_target = {}});
      else
        tree_.excluded.push_back({.path = path, .reason = "a link to nothing in the commit"});
      return {};
    }
    if (found->mode == GIT_FILEMODE_TREE) {
      return walk(*found, path, rules);
    }
    return add_file(*found, path);
  }

  // What the kernel would find in a checkout, part by part, as long as it is in the commit.
  Result<std::optional<Found>> follow(const std::string& link, const std::string& target) const {
    std::vector<std::string> parts;  // still to go, the next one last
    const auto push = [&](std::string_view path) {
      std::vector<std::string> more;
      for (std::size_t begin = 0; begin <= path.size();) {
        const auto end = std::min(path.find('/', begin), path.size());
        if (end > begin) more.emplace_back(path.substr(begin, end - begin));
        begin = end + 1;
      }
      parts.insert(parts.end(), std::make_move_iterator(more.rbegin()),
                   std::make_move_iterator(more.rend()));
    };
    if (target.starts_with('/')) return std::optional<Found>();
    std::vector<Found> way;  // the folders from the root down
    push(target);
    const auto slash = link.rfind('/');
    if (slash != std::string::npos) push(std::string_view(link).substr(0, slash));
    for (int links = 0; !parts.empty();) {
      const std::string part = std::move(parts.back());
      parts.pop_back();
      if (part == ".") continue;
      if (part == "..") {
        if (way.empty()) return std::optional<Found>();
        way.pop_back();
        continue;
      }
      RTENV_TRY(const auto folder, lookup_tree(way.empty() ? whole_ : way.back().id));
      auto next = find(folder.get(), way.empty() ? "" : way.back().path, part);
      if (!next) return std::optional<Found>();
      Found& found = *next;
      if (found.mode == GIT_FILEMODE_LINK) {
        if (++links > k_max_links) return std::optional<Found>();
        RTENV_TRY(const std::string text, text_of(found));
        if (text.starts_with('/')) return std::optional<Found>();
        push(text);
        continue;
      }
      if (found.mode == GIT_FILEMODE_COMMIT) return std::optional<Found>();
      if (found.mode != GIT_FILEMODE_TREE)
        return parts.empty() ? std::optional(found) : std::optional<Found>();
      way.push_back(std::move(found));
    }
    if (way.empty())
      return std::optional<Found>(Found{.path = "", .id = whole_, .mode = GIT_FILEMODE_TREE});
    return std::optional(way.back());
  }

  const Repository& repository_;
  const GitLibrary& git_;
  git_oid whole_;          // the commit's tree
  git_oid root_;           // the packed folder's
  std::string root_path_;  // where that is in the commit; empty for the whole
  CommitSource& source_;
  Tree& tree_;
  const ScanOptions& options_;
  IgnoreFile excludes_;
  bool converts_ = false;
  std::vector<std::string> walking_;  // the real folders from the root down to here
};

}  // namespace

Result<Tree> scan_commit(const Path& directory, const std::string& revision,
                         const ScanOptions& options) {
  RTENV_TRY(const Repository repository, Repository::open(directory));
  const GitLibrary& git = repository.git();
  const auto own = [&](git_object* object) {
    return GitOwned<git_object>(object, git.object_free);
  };
  git_object* object = nullptr;
  if (git.revparse_single(&object, repository.get(), revision.c_str()) != 0)
    return fail(Errc::not_found, "there is no revision '{}' in the repository of {}", revision,
                directory.native());
  const auto named = own(object);
  if (git.object_peel(&object, named.get(), GIT_OBJECT_COMMIT) != 0)
    return fail(Errc::invalid_argument, "'{}' isn't a commit", revision);
  const auto commit = own(object);
  if (git.object_peel(&object, commit.get(), GIT_OBJECT_TREE) != 0)
    return repository.failed(Errc::corrupt, "can't read the commit's folder");
  auto folder = own(object);
  const git_oid whole = *git.object_id(folder.get());

  std::string root_path;
  if (const char* work_tree = git.repository_workdir(repository.get())) {
    std::error_code error;
    const Path relative = std::filesystem::relative(directory, work_tree, error);
    if (!error && relative != "." && !relative.empty() && *relative.begin() != ".." &&
        *relative.begin() != ".git") {
      if (git.object_lookup_bypath(&object, folder.get(), relative.c_str(), GIT_OBJECT_TREE) != 0)
        return fail(Errc::not_found, "the commit '{}' has no folder {}", revision,
                    relative.native());
      folder = own(object);
      root_path = relative.native();
    }
  }

  Tree tree;
  tree.root = std::filesystem::absolute(directory).lexically_normal();
  const auto source = std::make_shared<CommitSource>(directory, *git.object_id(commit.get()));
  CommitScanner scanner(repository, whole, *git.object_id(folder.get()), root_path, *source, tree,
                        options);
  RTENV_TRY(scanner.run());
  tree.content = source;
  return tree;
}

}  // namespace rtenv::pkg
