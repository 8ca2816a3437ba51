#include "pkg/unpack.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "base/fault_point.hpp"
#include "base/folder_entries.hpp"
#include "base/temp_dir.hpp"
#include "pkg/unpack_formats.hpp"
#include "pkg/zip_directory.hpp"

namespace rtenv::pkg {
namespace {

// Empty but for what another process is unpacking, or removes after it was interrupted.
bool is_unused(const Path& folder) {
  const auto entries = folder_entries(folder);
  return entries && std::ranges::all_of(*entries, [](const FolderEntry& entry) {
           return entry.name().starts_with(k_unfinished_prefix);
         });
}

Result<void> check_target(const Path& target) {
  if (target.empty()) return fail(Errc::invalid_argument, "the target is an empty path");
  std::error_code error;
  const auto status = std::filesystem::symlink_status(target, error);
  if (!std::filesystem::exists(status)) return {};
  if (!std::filesystem::is_directory(status))
    return fail(Errc::already_exists, "{} exists and isn't a folder", target.native())
        .hint("choose another target");
  if (!is_unused(target))
    return fail(Errc::already_exists, "{} isn't empty", target.native())
        .hint("choose another target, or empty this one");
  return {};
}

// The only top folder, if it contains everything; a __MACOSX folder beside it is ignored.
std::optional<Path> single_top(const Path& folder) {
  std::optional<Path> top;
  for (const FolderEntry& entry : readable_entries(folder)) {
    if (entry.name() == "__MACOSX") continue;
    if (top || !entry.is_directory()) return std::nullopt;
    top = entry.path;
  }
  return top;
}

// All or nothing, unless somebody else puts files into `target` at this moment: those are neither
// replaced nor moved back.
Result<void> move_content(const Path& folder, const Path& target) {
  std::vector<Path> names;
  RTENV_TRY(const auto entries, folder_entries(folder));
  for (const FolderEntry& entry : entries) names.push_back(entry.path.filename());
  if (!is_unused(target))
    return fail(Errc::already_exists, "{} isn't empty any more", target.native())
        .hint("choose another target, or empty this one");
  RTENV_TRY(fault_point("unpack.checked"));
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto renamed = rename_to_new(folder / names[i], target / names[i]);
    if (renamed) continue;
    while (i > 0) {
      --i;
      RTENV_TRY(rename_to_new(target / names[i], folder / names[i]));
    }
    return renamed;
  }
  return {};
}

// The folders above a target that don't exist. They are made when the tree is complete, and removed
// again if it can't get there.
class MissingParents {
 public:
  explicit MissingParents(const Path& folder) : existing_(folder) {
    std::error_code error;
    for (; !std::filesystem::exists(existing_, error); existing_ = existing_.parent_path())
      missing_.push_back(existing_);
  }
  MissingParents(const MissingParents&) = delete;
  MissingParents& operator=(const MissingParents&) = delete;
  ~MissingParents() {
    std::error_code ignored;  // another process may use it
    for (auto path = made_.rbegin(); path != made_.rend(); ++path)
      std::filesystem::remove(*path, ignored);
  }

  /// The nearest folder that exists.
  [[nodiscard]] const Path& existing() const { return existing_; }

  Result<void> make() {
    for (auto path = missing_.rbegin(); path != missing_.rend(); ++path) {
      std::error_code error;
      const bool is_new = std::filesystem::create_directory(*path, error);
      if (error) return fail(system_error(error.value(), "create directory", path->native()));
      if (is_new) made_.push_back(*path);
    }
    return {};
  }

  void keep() { made_.clear(); }

 private:
  Path existing_;
  std::vector<Path> missing_;  // the deepest first
  std::vector<Path> made_;
};

}  // namespace

Result<bool> is_zip(const ArchiveFile& file) {
  std::array<std::byte, 4> magic{};
  RTENV_TRY(const auto count, read_full_at(file.fd, magic, 0, file.path.native()));
  if (count == magic.size() &&
      (std::memcmp(magic.data(), "PK\3\4", 4) == 0 || std::memcmp(magic.data(), "PK\5\6", 4) == 0))
    return true;
  return has_zip_directory(file);
}

Result<void> unpack_to(const ArchiveFile& file, const MakeTarget& make_target,
                       const UnpackOptions& options, UnpackBudget& budget) {
  RTENV_TRY(const bool zip, is_zip(file));
  RTENV_TRY(zip ? unpack_zip(file, make_target, options, budget)
                : unpack_tar(file, make_target, budget));
  budget.progress().finish();
  return {};
}

Result<UnpackSummary> unpack(const Path& archive, const Path& target,
                             const UnpackOptions& options) {
  RTENV_TRY(check_target(target));
  RTENV_TRY(const ArchiveFile file, open_archive_file(archive));

  // The staging folder is beside the target or the first of its parents that is missing, so that
  // the last step is a rename. It is private; the folder in it becomes the target. A folder that
  // exists stays, since it may be the current one or a mount point: then staging is in it, and what
  // was unpacked is moved.
  std::error_code error;
  const bool exists = std::filesystem::exists(target, error);
  const Path absolute_target = std::filesystem::absolute(target / ".").parent_path();
  MissingParents parents(exists ? absolute_target : absolute_target.parent_path());
  RTENV_TRY(const TempDir staging,
            TempDir::create_unfinished(parents.existing(), options.cancellation));
  Path unpacked_tree = staging.path() / "tree";
  RTENV_TRY(TargetFolder::create(unpacked_tree, options.modes));

  UnpackBudget budget(options, file.size_bytes);
  RTENV_TRY(unpack_to(file, unpack_into(unpacked_tree, options.modes), options, budget));
  if (options.strip_top)
    if (const auto top = single_top(unpacked_tree)) unpacked_tree = *top;
  RTENV_TRY(parents.make());
  RTENV_TRY(exists ? move_content(unpacked_tree, absolute_target)
                   : rename_path(unpacked_tree, absolute_target));
  parents.keep();
  return budget.summary();
}

}  // namespace rtenv::pkg
