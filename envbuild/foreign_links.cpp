#include "envbuild/foreign_links.hpp"

#include <algorithm>
#include <filesystem>

namespace rtenv::envbuild {

namespace fs = std::filesystem;

Result<void> refuse_foreign_links(const Path& folder,
                                  const std::vector<cache::TreeItem>& virtualenv) {
  std::error_code error;
  // Doesn't follow links.
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    if (!at->is_symlink(error)) continue;
    const std::string path = at->path().lexically_relative(folder).native();
    const auto before = std::ranges::lower_bound(virtualenv, path, {}, &cache::TreeItem::path);
    if (before != virtualenv.end() && before->path == path &&
        before->type == cache::ItemType::link && before->content == fs::read_symlink(at->path()))
      continue;
    return fail(Errc::corrupt, "an installer made the symbolic link {} in the environment", path)
        .hint("its package can't be installed in the sandbox");
  }
  if (error) return Failure(system_error(error.value(), "list", folder.native()));
  return {};
}

}  // namespace rtenv::envbuild
