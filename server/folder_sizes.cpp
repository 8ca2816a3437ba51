#include "server/folder_sizes.hpp"

#include "base/log.hpp"
#include "base/tree_usage.hpp"
#include "server/state_folder.hpp"

namespace rtenv::server {

void UnremovableFolders::add(const std::string& name, const Error& error) {
  log::warn("the folder of a deleted job can't be removed: {}", error.message());
  const std::lock_guard lock(mutex_);
  names_.insert(name);
}

std::uint64_t UnremovableFolders::bytes(const FolderSizes& sizes) const {
  const std::lock_guard lock(mutex_);
  std::uint64_t sum = 0;
  for (const std::string& name : names_) sum += sizes.of(name);
  return sum;
}

FolderSizes sizes_of_job_folders(const Path& state_folder) {
  FolderSizes sizes;
  const auto names = job_folders(state_folder);
  if (!names) return sizes;
  for (const std::string& name : *names)
    sizes.add(name, disk_usage_bytes(state_folder / "jobs" / name).value_or(0));
  return sizes;
}

}  // namespace rtenv::server
