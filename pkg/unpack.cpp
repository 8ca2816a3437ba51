#include "pkg/unpack.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <optional>

#include "base/temp_dir.hpp"
#include "pkg/scan.hpp"
#include "pkg/unpack_budget.hpp"

namespace rtenv::pkg {
namespace {

constexpr std::uint64_t k_ratio_from_bytes = 1ULL << 30U;

Result<bool> is_zip(const Fd& fd, const Path& archive) {
  std::array<std::byte, 4> magic{};
  RTENV_TRY(const auto count, read_full_at(fd, magic, 0, archive.native()));
  return count == magic.size() && (std::memcmp(magic.data(), "PK\3\4", 4) == 0 ||
                                   std::memcmp(magic.data(), "PK\5\6", 4) == 0);
}

Result<void> check_target(const Path& target) {
  std::error_code error;
  const auto status = std::filesystem::symlink_status(target, error);
  if (!std::filesystem::exists(status)) return {};
  if (!std::filesystem::is_directory(status))
    return fail(Errc::already_exists, "{} is there and isn't a folder", target.native())
        .hint("choose another target");
  if (!std::filesystem::is_empty(target, error))
    return fail(Errc::already_exists, "{} isn't empty", target.native())
        .hint("choose another target, or empty it");
  return {};
}

// The one folder that holds everything, a __MACOSX aside.
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

Result<void> UnpackBudget::add_entry() {
  if (cancellation_ != nullptr && cancellation_->requested())
    return fail(Errc::cancelled, "interrupted while unpacking");
  if (++entries_ > limits_.max_entries)
    return fail(Errc::invalid_argument, "the archive is refused: more than {} entries",
                limits_.max_entries);
  return {};
}

Result<void> UnpackBudget::add_bytes(std::uint64_t count) {
  const std::uint64_t total = bytes_ += count;
  if (total > limits_.max_total_bytes)
    return fail(Errc::invalid_argument, "the archive is refused: it unpacks to more than {} bytes",
                limits_.max_total_bytes);
  if (total > k_ratio_from_bytes && total / limits_.max_ratio > archive_bytes_)
    return fail(Errc::invalid_argument,
                "the archive is refused: it unpacks to more than {} times its size",
                limits_.max_ratio);
  return {};
}

Result<mode_t> checked_permissions(std::string_view path, std::uint32_t mode) {
  constexpr std::uint32_t k_special = S_ISUID | S_ISGID | S_ISVTX;
  if ((mode & k_special) != 0)
    return fail(Errc::invalid_argument, "entry '{}' is refused: it is set-uid, set-gid or sticky",
                path);
  const mode_t permissions = mode & 0777U;
  return permissions != 0 ? permissions : mode_t{0644};
}

Result<void> check_link(const std::string& path, const std::string& target) {
  if (stays_inside(path, target)) return {};
  return fail(Errc::invalid_argument, "entry '{}' is refused: its link leads out of the folder",
              path);
}

Result<UnpackSummary> unpack(const Path& archive, const Path& target,
                             const UnpackOptions& options) {
  RTENV_TRY(check_target(target));
  RTENV_TRY(const Fd fd, open_file(archive, O_RDONLY));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return fail_errno("read", archive.native());
  if (S_ISDIR(status.st_mode))
    return fail(Errc::invalid_argument, "{} is a folder, not an archive", archive.native());
  RTENV_TRY(const bool zip, is_zip(fd, archive));

  // Beside the target, so that the last step is a rename. The folder that becomes the target is
  // made by mkdir with the user's umask; the one around it is private.
  const Path absolute_target = std::filesystem::absolute(target / ".").parent_path();
  RTENV_TRY(make_directories(absolute_target.parent_path()));
  RTENV_TRY(const TempDir staging, TempDir::create(absolute_target.parent_path()));
  Path made = staging.path() / "tree";
  RTENV_TRY(make_directories(made));

  UnpackBudget budget(options.limits, static_cast<std::uint64_t>(status.st_size),
                      options.cancellation);
  auto unpacked =
      zip ? unpack_zip(archive, made, options, budget) : unpack_tar(archive, made, budget);
  if (!unpacked) return Failure(std::move(unpacked).error());
  if (options.strip_top)
    if (const auto top = single_top(made)) made = *top;
  RTENV_TRY(rename_path(made, absolute_target));
  return budget.summary();
}

}  // namespace rtenv::pkg
