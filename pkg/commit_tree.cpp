#include "pkg/commit_tree.hpp"

#include <algorithm>
#include <set>
#include <unordered_set>
#include <vector>

#include "base/encoding.hpp"
#include "pkg/byte_text.hpp"
#include "pkg/entry_check.hpp"
#include "pkg/repository_files.hpp"
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

bool is_plain_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         lower_ascii(name) != ".git";
}

}  // namespace

Failure refuse_object(std::string_view reason) {
  return fail(Errc::corrupt, "the commit is damaged or hostile: {}", reason)
      .hint("git fsck --strict says more");
}

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
    // libgit2 opens it for the attributes.
    git_buf path{};
    if (git.config_get_string(&value, config, "core.attributesfile") == 0 &&
        git.config_parse_path(&path, value) == 0) {
      const Path file(std::string(path.ptr, path.size));
      git.buf_dispose(&path);
      RTENV_TRY(check_openable(file));
    }
    if (git.config_get_string(&value, config, "core.autocrlf") == 0 &&
        std::string_view(value) == "true")
      return true;
  }
  return has_attributes();
}

// Each folder once: a commit may have the same one in many places, at any depth.
Result<bool> CommitTree::has_attributes() const {
  const GitLibrary& git = repository_->git();
  std::vector<git_oid> waiting{root_};
  std::set<std::string> seen;
  while (!waiting.empty()) {
    const git_oid id = waiting.back();
    waiting.pop_back();
    RTENV_TRY(const auto tree, lookup(id));
    for (std::size_t i = 0; i < git.tree_entrycount(tree.get()); ++i) {
      const git_tree_entry* entry = git.tree_entry_byindex(tree.get(), i);
      if (std::string_view(git.tree_entry_name(entry)) == ".gitattributes") return true;
      const git_oid* below = git.tree_entry_id(entry);
      if (git.tree_entry_filemode(entry) == GIT_FILEMODE_TREE &&
          seen.emplace(std::begin(below->id), std::end(below->id)).second)
        waiting.push_back(*below);
    }
  }
  return false;
}

Result<std::vector<CommitObject>> CommitTree::list(const CommitObject& folder) const {
  const GitLibrary& git = repository_->git();
  RTENV_TRY(const auto tree, lookup(folder.id));
  std::vector<CommitObject> objects;
  std::unordered_set<std::string_view> names;
  const std::size_t count = git.tree_entrycount(tree.get());
  objects.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const git_tree_entry* entry = git.tree_entry_byindex(tree.get(), i);
    const std::string_view name = git.tree_entry_name(entry);
    if (!is_plain_name(name) || !names.insert(name).second)
      return refuse_object(refuse_entry(join_path(folder.path, name),
                                        "it is there twice, or no file can have its name")
                               .message());
    objects.push_back({.path = join_path(folder.path, name),
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
