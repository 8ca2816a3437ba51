#include "pkg/git_commit.hpp"

#include <algorithm>
#include <set>

#include "base/absolute_path.hpp"
#include "base/file.hpp"
#include "pkg/byte_text.hpp"
#include "pkg/commit_tree.hpp"
#include "pkg/entry_check.hpp"
#include "pkg/folder_rules.hpp"
#include "pkg/link_check.hpp"
#include "pkg/tree_path.hpp"

namespace rtenv::pkg {
namespace {

constexpr std::string_view k_lfs_pointer = "version https://git-lfs.github.com/spec/v1\n";
constexpr std::size_t k_max_lfs_pointer_bytes = 1024;

bool is_file(const CommitObject& object) {
  return object.mode == GIT_FILEMODE_BLOB || object.mode == GIT_FILEMODE_BLOB_EXECUTABLE;
}

class CommitScanner {
 public:
  CommitScanner(const GitRepository& repository, const CommitTree& commit, CommitSource& source,
                Tree& tree, const ScanOptions& options)
      : repository_(repository),
        commit_(commit),
        source_(source),
        tree_(tree),
        options_(options),
        rules_(options) {}

  Result<void> run(const CommitObject& root) {
    RTENV_TRY(walk(root, {"", 0}, std::make_shared<FolderRules>(rules_, options_.semantics)));
    finish_folders();
    std::ranges::sort(tree_.excluded, {}, &Excluded::path);
    warn_of_committed();
    for (std::string& warning : dangling_links(tree_.entries))
      tree_.warnings.push_back(std::move(warning));
    return {};
  }

 private:
  // The folders that contain a submodule or an entry of one of these types.
  template <class... Types>
  [[nodiscard]] std::set<std::string, std::less<>> folders_with(Types... types) const {
    auto found = submodules_;
    for (const Entry& entry : tree_.entries) {
      if (((entry.type != types) && ...) && !submodules_.contains(entry.path)) continue;
      auto folder = split_name(entry.path).folder;
      while (!folder.empty() && found.emplace(folder).second) folder = split_name(folder).folder;
    }
    return found;
  }

  // As in a checkout, where only a submodule is an empty folder.
  void finish_folders() {
    auto& entries = tree_.entries;
    std::ranges::sort(entries, {}, &Entry::path);
    if (options_.semantics == IgnoreSemantics::git) {
      const auto kept = folders_with(EntryType::file, EntryType::link, EntryType::name_only);
      std::erase_if(entries, [&](const Entry& entry) {
        return entry.type == EntryType::directory && !kept.contains(entry.path);
      });
    }
    const auto with_content = folders_with(EntryType::file, EntryType::link);
    for (Entry& entry : entries) {
      if (entry.type != EntryType::directory) continue;
      const std::string below = entry.path + '/';
      const auto first = std::ranges::lower_bound(entries, below, {}, &Entry::path);
      entry.childless = first == entries.end() || !first->path.starts_with(below);
      if (options_.links == Links::follow && !with_content.contains(entry.path))
        entry.type = EntryType::folder_name_only;
    }
  }

  void warn_of_committed() {
    if (left_out_by_gitignore_ == 0) return;
    tree_.warnings.push_back(
        fmt::format("committed files or folders that a .gitignore matches are left out, as Ray "
                    "leaves them out of a checkout: {}; packing without .gitignore includes them",
                    left_out_by_gitignore_));
  }

  using Rules = std::shared_ptr<const FolderRules>;
  // Of a folder in the package.
  struct Place {
    std::string path;
    std::size_t depth;  // see ScannedFolder
  };

  Result<Rules> rules_of(const std::vector<CommitObject>& objects, const std::string& path,
                         const Rules& outer) const {
    std::vector<FolderFile> files;
    for (const std::string_view name : k_ignore_files) {
      const bool of_git = name == ".gitignore";
      if (!options_.use_gitignore && of_git) continue;
      const CommitObject* file = find_object(objects, name);
      if (file == nullptr || !is_file(*file)) continue;
      RTENV_TRY(const std::string text, commit_.text_of(*file));
      files.push_back({.rules = IgnoreFile::parse(text, join_path(path, name), options_.semantics),
                       .of_git = of_git});
    }
    if (files.empty()) return outer;
    return std::make_shared<FolderRules>(outer, path, std::move(files));
  }

  void exclude(std::string path, bool directory, const Verdict& verdict) {
    if (verdict.of_git) ++left_out_by_gitignore_;
    if (options_.record_excluded)
      tree_.excluded.push_back({.path = std::move(path),
                                .directory = directory,
                                .reason = verdict.reason(),
                                .rules = verdict.source->source()});
  }

  void add_directory(const std::string& path) {
    tree_.entries.push_back({.path = path, .type = EntryType::directory, .link_target = {}});
  }

  Result<void> walk(const CommitObject& folder, const Place& place, const Rules& outer) {
    RTENV_TRY(check_not_cancelled(options_.cancellation, "reading", "a commit"));
    if (std::ranges::find(walking_, folder.path) != walking_.end())
      return fail(Errc::invalid_argument, "{} is a link that leads back to its own parent folder",
                  place.path)
          .hint("exclude it or remove it");
    walking_.push_back(folder.path);
    auto walked = walk_content(folder, place, outer);
    walking_.pop_back();
    return walked;
  }

  Result<void> walk_content(const CommitObject& folder, const Place& place, const Rules& outer) {
    const std::string& path = place.path;
    RTENV_TRY(const auto objects, commit_.list(folder));
    RTENV_TRY(const Rules rules, rules_of(objects, path, outer));
    if (rules != outer && !path.empty()) {
      if (const auto verdict = rules->excludes_itself()) {
        exclude(path, true, *verdict);
        return {};
      }
    }
    if (!path.empty()) add_directory(path);
    for (const CommitObject& object : objects)
      RTENV_TRY(visit(object, {join_path(path, split_name(object.path).name), place.depth}, rules));
    return {};
  }

  // `place` is that of the object, with the depth of its folder.
  Result<void> visit(const CommitObject& object, const Place& place, const Rules& rules) {
    const std::string& path = place.path;
    if (split_name(path).name.starts_with(k_unfinished_prefix)) return {};
    if (auto checked = checked_entry_path(path, true); !checked)
      return refuse_object(checked.error().message());
    const bool directory = object.mode == GIT_FILEMODE_TREE || object.mode == GIT_FILEMODE_COMMIT;
    if (const auto verdict = rules->excluded(path, directory)) {
      exclude(path, directory, *verdict);
      return {};
    }
    switch (object.mode) {
      case GIT_FILEMODE_TREE: return walk(object, {path, place.depth + 1}, rules);
      case GIT_FILEMODE_COMMIT:
        add_directory(path);
        submodules_.insert(path);
        tree_.warnings.push_back(path +
                                 " is a submodule: it is packed as an empty folder, because its "
                                 "content isn't in this repository");
        return {};
      case GIT_FILEMODE_LINK: return add_link(object, place, rules);
      default: return add_file(object, path);
    }
  }

  Result<void> add_file(const CommitObject& object, const std::string& path) {
    GitBlob blob{.id = object.id, .path = object.path, .filtered = commit_.converts()};
    std::size_t size = 0;
    git_object_t type{};
    if (repository_.git().odb_read_header(&size, &type, repository_.database(), &object.id) != 0)
      return repository_.failed(Errc::corrupt, "cannot read " + path);
    if (blob.filtered || size <= k_max_lfs_pointer_bytes) {
      RTENV_TRY(const auto content, source_.load(repository_, blob));
      size = content.size();
      if (as_text(content).starts_with(k_lfs_pointer))
        tree_.warnings.push_back(path +
                                 " is a git-lfs pointer: the pointer is packed, because the "
                                 "content isn't in this repository");
    }
    source_.add(path, std::move(blob));
    tree_.entries.push_back({.path = path,
                             .executable = object.mode == GIT_FILEMODE_BLOB_EXECUTABLE,
                             .size_bytes = size,
                             .link_target = {}});
    return {};
  }

  Result<void> add_link(const CommitObject& link, const Place& place, const Rules& rules) {
    const std::string& path = place.path;
    RTENV_TRY(std::string target, commit_.text_of(link));
    if (options_.links == Links::keep && stays_inside(place.depth, target)) {
      tree_.entries.push_back(
          {.path = path, .type = EntryType::link, .link_target = std::move(target)});
      return {};
    }
    RTENV_TRY(const auto object, commit_.follow(link.path, target));
    if (object)
      return object->mode == GIT_FILEMODE_TREE ? walk(*object, {path, 0}, rules)
                                               : add_file(*object, path);
    if (options_.links == Links::follow)
      tree_.entries.push_back({.path = path, .type = EntryType::name_only, .link_target = {}});
    else
      tree_.excluded.push_back(
          {.path = path, .reason = "a link whose target isn't in the commit", .rules = {}});
    return {};
  }

  const GitRepository& repository_;
  const CommitTree& commit_;
  CommitSource& source_;
  Tree& tree_;
  const ScanOptions& options_;
  UserRules rules_;
  std::set<std::string, std::less<>> submodules_;
  std::size_t left_out_by_gitignore_ = 0;
  std::vector<std::string> walking_;  // real paths of the folders from the root down to here
};

// The folder of `work_tree` that `directory` is, by its relative path; empty for the whole.
Path folder_in(const std::optional<Path>& work_tree, const Path& directory) {
  if (!work_tree) return {};
  std::error_code error;
  Path relative = std::filesystem::relative(directory, *work_tree, error);
  if (error || relative.empty() || relative == "." || *relative.begin() == ".." ||
      *relative.begin() == ".git")
    return {};
  return relative;
}

}  // namespace

Result<Tree> scan_commit(const Path& directory, const std::string& revision,
                         const ScanOptions& options) {
  RTENV_TRY(
      const GitRepository repository,
      GitRepository::open(directory, GitProgram(options.git_environment, options.cancellation)));
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
    return repository.failed(Errc::corrupt, "cannot read the commit's tree");
  const auto whole = own(object);

  CommitObject root{.path = folder_in(repository.work_tree(), directory).native(),
                    .id = *git.object_id(whole.get()),
                    .mode = GIT_FILEMODE_TREE};
  if (!root.path.empty()) {
    if (git.object_lookup_bypath(&object, whole.get(), root.path.c_str(), GIT_OBJECT_TREE) != 0)
      return fail(Errc::not_found, "the commit '{}' has no folder {}", revision, root.path);
    root.id = *git.object_id(own(object).get());
  }

  const auto source = std::make_shared<CommitSource>(directory, *git.object_id(commit.get()),
                                                     options.git_environment);
  RTENV_TRY(const CommitTree tree_of_commit,
            CommitTree::open(repository, *source, *git.object_id(whole.get())));
  Tree tree{.root = absolute_path(directory),
            .entries = {},
            .excluded = {},
            .warnings = {},
            .content = source};
  CommitScanner scanner(repository, tree_of_commit, *source, tree, options);
  RTENV_TRY(scanner.run(root));
  return tree;
}

}  // namespace rtenv::pkg
