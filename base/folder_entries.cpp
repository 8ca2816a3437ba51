#include "base/folder_entries.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/directory_stream.hpp"

namespace rtenv {
namespace {

FolderEntry::Type type_of_mode(mode_t mode) noexcept {
  if (S_ISDIR(mode)) return FolderEntry::Type::directory;
  if (S_ISREG(mode)) return FolderEntry::Type::file;
  return S_ISLNK(mode) ? FolderEntry::Type::link : FolderEntry::Type::other;
}

// Not every file system says it in its list.
FolderEntry::Type type_of(int folder, const dirent& entry) noexcept {
  if (entry.d_type != DT_UNKNOWN) return type_of_mode(DTTOIF(entry.d_type));
  struct stat status {};
  if (::fstatat(folder, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
    return FolderEntry::Type::other;
  return type_of_mode(status.st_mode);
}

Result<std::vector<FolderEntry>> entries_of(Fd opened, const Path& folder) {
  RTENV_TRY(const auto stream, list_directory(std::move(opened), folder));
  std::vector<FolderEntry> entries;
  errno = 0;  // readdir(3) returns null at the end, too
  while (const dirent* entry = next_entry(stream.get())) {
    entries.push_back({folder / entry->d_name, type_of(::dirfd(stream.get()), *entry)});
    errno = 0;
  }
  if (errno != 0) return fail_errno("read directory", folder.native());
  return entries;
}

}  // namespace

Result<std::vector<FolderEntry>> folder_entries(const Path& folder) {
  RTENV_TRY(Fd opened, open_file(folder, O_RDONLY | O_DIRECTORY));
  return entries_of(std::move(opened), folder);
}

std::vector<FolderEntry> readable_entries(const Path& folder) {
  return folder_entries(folder).value_or(std::vector<FolderEntry>());
}

Result<void> walk_folder(const Path& folder,
                         const std::function<Result<Descent>(const FolderEntry&)>& visit) {
  RTENV_TRY(std::vector<FolderEntry> waiting, folder_entries(folder));
  while (!waiting.empty()) {
    const FolderEntry entry = std::move(waiting.back());
    waiting.pop_back();
    RTENV_TRY(const Descent descent, visit(entry));
    if (descent == Descent::skip || !entry.is_directory()) continue;
    auto opened = open_file(entry.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!opened && opened.error().code() == Errc::not_found) continue;
    if (!opened) return Failure(std::move(opened).error());
    RTENV_TRY(auto below, entries_of(std::move(*opened), entry.path));
    for (FolderEntry& each : below) waiting.push_back(std::move(each));
  }
  return {};
}

}  // namespace rtenv
