#include "server/folder_sizes.hpp"

#include "base/tree_usage.hpp"
#include "server/state_folder.hpp"

namespace rtenv::server {

FolderSizes sizes_of_job_folders(const Path& state_folder) {
  FolderSizes sizes;
  const auto names = job_folders(state_folder);
  if (!names) return sizes;
  for (const std::string& name : *names)
    sizes.add(name, disk_usage_bytes(state_folder / "jobs" / name).value_or(0));
  return sizes;
}

}  // namespace rtenv::server
