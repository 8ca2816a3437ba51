#include "envbuild/foreign_links.hpp"

#include <algorithm>
#include <filesystem>

#include "base/folder_entries.hpp"

namespace rtenv::envbuild {

Result<void> refuse_foreign_links(const Path& folder,
                                  const std::vector<cache::TreeItem>& virtualenv) {
  return walk_folder(folder, [&](const FolderEntry& entry) -> Result<Descent> {
    if (entry.type != FolderEntry::Type::link) return Descent::enter;
    const std::string path = entry.path.lexically_relative(folder).native();
    const auto before = std::ranges::lower_bound(virtualenv, path, {}, &cache::TreeItem::path);
    if (before != virtualenv.end() && before->path == path &&
        before->type == cache::ItemType::link &&
        before->content == std::filesystem::read_symlink(entry.path))
      return Descent::skip;
    return fail(Errc::corrupt, "an installer made the symbolic link {} in the environment", path)
        .hint("its package can't be installed in the sandbox");
  });
}

}  // namespace rtenv::envbuild
