#include "pkg/commit_tree.hpp"

#include <algorithm>

#include "pkg/byte_text.hpp"
#include "pkg/tree_path.hpp"

namespace rtenv::pkg {
namespace {

constexpr int k_max_links = 40;  // followed on the way to one file, as in Linux

// Puts the parts of a path before the remaining ones. The last element is the next part.
void push_parts(std::vector<std::string>& parts, std::string_view path) {
  const auto added = split_path(path);
  for (auto part = added.rbegin(); part != added.rend(); ++part)
    if (!part->empty()) parts.emplace_back(*part);
}

}  // namespace

const CommitObject* find_object(const std::vector<CommitObject>& folder, std::string_view name) {
  const auto found = std::ranges::find_if(
      folder, [&](const CommitObject& object) { return split_name(object.path).name == name; });
  return found == folder.end() ? nullptr : &*found;
}

Result<CommitTree> CommitTree::open(const GitRepository& repository, const CommitSource& source,
                                    const git_oid& root) {
  CommitTree tree(repository, source, root);
  RTENV_TRY(tree.converts_, tree.may_convert());
  return tree;
}

Result<GitOwned<git_tree>> CommitTree::lookup(const git_oid& id) const {
  const GitLibrary& git = repository_->git();
  git_tree* tree = nullptr;
  if (git.tree_lookup(&tree, repository_->get(), &id) != 0)
    return repository_->failed(Errc::corrupt, "cannot read a folder of the commit");
  return GitOwned<git_tree>(tree, git.tree_free);
}

Result<bool> CommitTree::may_convert() const {
  const GitLibrary& git = repository_->git();
  git_config* config = nullptr;
  if (git.repository_config_snapshot(&config, repository_->get()) == 0) {
    const GitOwned<git_config> owner(config, git.config_free);
    const char* value = nullptr;
    if (git.config_get_string(&value, config, "core.autocrlf") == 0 &&
        std::string_view(value) == "true")
      return true;
  }
  return has_attributes(root_);
}

Result<bool> CommitTree::has_attributes(const git_oid& id) const {
  const GitLibrary& git = repository_->git();
  RTENV_TRY(const auto tree, lookup(id));
  for (std::size_t i = 0; i < git.tree_entrycount(tree.get()); ++i) {
    const git_tree_entry* entry = git.tree_entry_byindex(tree.get(), i);
    if (std::string_view(git.tree_entry_name(entry)) == ".gitattributes") return true;
    if (git.tree_entry_filemode(entry) != GIT_FILEMODE_TREE) continue;
    RTENV_TRY(const bool below, has_attributes(*git.tree_entry_id(entry)));
    if (below) return true;
  }
  return false;
}

Result<std::vector<CommitObject>> CommitTree::list(const CommitObject& folder) const {
  const GitLibrary& git = repository_->git();
  RTENV_TRY(const auto tree, lookup(folder.id));
  std::vector<CommitObject> objects;
  const std::size_t count = git.tree_entrycount(tree.get());
  objects.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const git_tree_entry* entry = git.tree_entry_byindex(tree.get(), i);
    objects.push_back({.path = join_path(folder.path, git.tree_entry_name(entry)),
                       .id = *git.tree_entry_id(entry),
                       .mode = git.tree_entry_filemode(entry)});
  }
  return objects;
}

Result<std::string> CommitTree::text_of(const CommitObject& object) const {
  const bool filtered = converts_ && object.mode != GIT_FILEMODE_LINK;
  RTENV_TRY(
      const auto content,
      source_->load(*repository_, {.id = object.id, .path = object.path, .filtered = filtered}));
  return std::string(as_text(content));
}

Result<std::optional<CommitObject>> CommitTree::follow(const std::string& link,
                                                       const std::string& target) const {
  const std::optional<CommitObject> not_found;
  const CommitObject whole{.path = "", .id = root_, .mode = GIT_FILEMODE_TREE};
  if (target.starts_with('/')) return not_found;
  std::vector<CommitObject> folders{whole};  // from the root down to the current one
  std::vector<std::string> parts;
  push_parts(parts, target);
  push_parts(parts, split_name(link).folder);
  for (int links = 0; !parts.empty();) {
    const std::string part = std::move(parts.back());
    parts.pop_back();
    if (part == ".") continue;
    if (part == "..") {
      folders.pop_back();
      if (folders.empty()) return not_found;
      continue;
    }
    RTENV_TRY(const auto objects, list(folders.back()));
    const CommitObject* object = find_object(objects, part);
    if (object == nullptr || object->mode == GIT_FILEMODE_COMMIT) return not_found;
    if (object->mode == GIT_FILEMODE_LINK) {
      if (++links > k_max_links) return not_found;
      RTENV_TRY(const std::string text, text_of(*object));
      if (text.starts_with('/')) return not_found;
      push_parts(parts, text);
      continue;
    }
    if (object->mode != GIT_FILEMODE_TREE)
      return parts.empty() ? std::optional(*object) : not_found;
    folders.push_back(*object);
  }
  return std::optional(folders.back());
}

}  // namespace rtenv::pkg
