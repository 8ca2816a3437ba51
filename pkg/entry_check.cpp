#include "pkg/entry_check.hpp"

#include <sys/stat.h>

#include "base/shown_name.hpp"
#include "pkg/entry_mode.hpp"
#include "pkg/tree_path.hpp"

namespace rtenv::pkg {
namespace {

// No program could use longer ones, and each level costs.
constexpr std::size_t k_max_depth = 512;
constexpr std::size_t k_max_path_bytes = 4095;
constexpr std::size_t k_shown_bytes = 200;

bool has_drive(std::string_view name) {
  return name.size() >= 2 && name[1] == ':' &&
         ((name[0] | 0x20) >= 'a' && (name[0] | 0x20) <= 'z') &&
         (name.size() == 2 || name[2] == '/' || name[2] == '\\');
}

// Also for a reader that takes a backslash for a separator.
bool leads_up(std::string_view part) {
  return part == ".." || part.starts_with("..\\") || part.ends_with("\\..") ||
         part.find("\\..\\") != std::string_view::npos;
}

}  // namespace

Failure refuse_entry(std::string_view name, std::string_view reason) {
  return fail(Errc::invalid_argument, "entry '{}' is refused: {}", shown_name(name), reason);
}

Failure refuse_hard_link(std::string_view name) {
  return refuse_entry(name, "it is a hard link to what isn't a file in the archive before it");
}

Result<std::string> checked_entry_path(std::string_view name, bool from_unix) {
  if (name.find('\0') != std::string_view::npos)
    return refuse_entry(name, "its name contains a NUL byte");
  if (name.starts_with('/') || name.starts_with('\\'))
    return refuse_entry(name, "its path is absolute");
  if (has_drive(name)) return refuse_entry(name, "its path contains a drive name");
  if (!from_unix && name.find('\\') != std::string_view::npos)
    return refuse_entry(name, "its path contains a backslash");
  std::string path;
  path.reserve(name.size());
  std::size_t depth = 0;
  for (const std::string_view part : split_path(name)) {
    if (leads_up(part)) return refuse_entry(name, "its path leads out of the folder");
    if (part.empty() || part == ".") continue;
    if (!path.empty()) path += '/';
    path += part;
    if (++depth > k_max_depth || path.size() > k_max_path_bytes)
      return refuse_entry(name.substr(0, k_shown_bytes),
                          fmt::format("it is deeper than {} folders or has more than {} bytes",
                                      k_max_depth, k_max_path_bytes));
  }
  return path;
}

mode_t folder_permissions(std::uint32_t mode) {
  const mode_t permissions = mode & k_permissions;
  return permissions != 0 ? permissions | S_IRWXU : k_folder_mode;
}

Result<mode_t> checked_permissions(std::string_view path, std::uint32_t mode) {
  constexpr std::uint32_t k_special = S_ISUID | S_ISGID | S_ISVTX;
  if ((mode & k_special) != 0) return refuse_entry(path, "it is set-uid, set-gid or sticky");
  const mode_t permissions = mode & k_permissions;
  return permissions != 0 ? permissions : file_mode(false, false);
}

Result<void> check_link(std::string_view path, std::string_view target) {
  if (target.size() > k_max_path_bytes)
    return refuse_entry(path,
                        fmt::format("its link's target has more than {} bytes", k_max_path_bytes));
  // The system would take what is before it for the target.
  if (target.find('\0') != std::string_view::npos)
    return refuse_entry(path, "its link's target has a NUL byte");
  if (stays_inside(path, target)) return {};
  return refuse_entry(path, "its link leads out of the folder");
}

}  // namespace rtenv::pkg
