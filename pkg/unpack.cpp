#include "pkg/unpack.hpp"

#include <array>
#include <cstring>
#include <optional>

#include "base/temp_dir.hpp"
#include "pkg/unpack_formats.hpp"
#include "pkg/zip_directory.hpp"

namespace rtenv::pkg {
namespace {

// Other data may precede a zip: a script's first line, a program. What begins as one is one, also
// if it is damaged.
Result<bool> is_zip(const ZipFile& file) {
  std::array<std::byte, 4> magic{};
  RTENV_TRY(const auto count, read_full_at(file.fd, magic, 0, file.path.native()));
  if (count == magic.size() &&
      (std::memcmp(magic.data(), "PK\3\4", 4) == 0 || std::memcmp(magic.data(), "PK\5\6", 4) == 0))
    return true;
  return has_zip_directory(file);
}

Result<void> check_target(const Path& target) {
  if (target.empty()) return fail(Errc::invalid_argument, "the target is an empty path");
  std::error_code error;
  const auto status = std::filesystem::symlink_status(target, error);
  if (!std::filesystem::exists(status)) return {};
  if (!std::filesystem::is_directory(status))
    return fail(Errc::already_exists, "{} exists and isn't a folder", target.native())
        .hint("choose another target");
  if (!std::filesystem::is_empty(target, error))
    return fail(Errc::already_exists, "{} isn't empty", target.native())
        .hint("choose another target, or empty this one");
  return {};
}

// The only top folder, if it contains everything; a __MACOSX folder beside it is ignored.
std::optional<Path> single_top(const Path& folder) {
  std::optional<Path> top;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().filename() == "__MACOSX") continue;
    if (top || entry.symlink_status().type() != std::filesystem::file_type::directory)
      return std::nullopt;
    top = entry.path();
  }
  return top;
}

}  // namespace

Result<UnpackSummary> unpack(const Path& archive, const Path& target,
                             const UnpackOptions& options) {
  RTENV_TRY(check_target(target));
  RTENV_TRY(const ZipFile file, open_zip_file(archive));
  RTENV_TRY(const bool zip, is_zip(file));

  // The staging folder is beside the target, so that the last step is a rename. It is private; the
  // folder in it becomes the target.
  const Path absolute_target = std::filesystem::absolute(target / ".").parent_path();
  RTENV_TRY(make_directories(absolute_target.parent_path()));
  RTENV_TRY(const TempDir staging, TempDir::create(absolute_target.parent_path()));
  Path unpacked_tree = staging.path() / "tree";
  RTENV_TRY(TargetFolder::create(unpacked_tree, options.modes));

  UnpackBudget budget(options.limits, file.size_bytes, options.cancellation);
  auto unpacked = zip ? unpack_zip(archive, unpacked_tree, options, budget)
                      : unpack_tar(archive, unpacked_tree, options, budget);
  if (!unpacked) return Failure(std::move(unpacked).error());
  if (options.strip_top)
    if (const auto top = single_top(unpacked_tree)) unpacked_tree = *top;
  RTENV_TRY(rename_path(unpacked_tree, absolute_target));
  return budget.summary();
}

}  // namespace rtenv::pkg
