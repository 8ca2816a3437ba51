#include "cli/background_removal.hpp"

#include <fcntl.h>

#include "base/file.hpp"
#include "base/log.hpp"
#include "base/mount_plan.hpp"
#include "base/process.hpp"
#include "cache/cache.hpp"

namespace rtenv::cli {
namespace {

Result<void> start_removal(const Path& folder, cache::Cache& cache) {
  // While the process holds this lock, no other one removes the folder.
  RTENV_TRY(const auto lock, cache.try_lock(cache::Cache::k_sweeper_lock));
  RTENV_TRY(const Fd null, open_file("/dev/null", O_WRONLY));
  RTENV_TRY(auto process,
            ChildProcess::spawn(
                {.argv = {"/proc/self/exe", std::string(k_remove_folder), folder.native()},
                 .environment = {},
                 .working_dir = "/",
                 .output_fd = null.get(),
                 .null_input = true,
                 .own_session = true,
                 .keep_fds = lock ? std::vector{lock->fd().get()} : std::vector<int>()}));
  process.detach();
  return {};
}

}  // namespace

void remove_job_folder(const Path& folder, cache::Cache& cache) {
  const auto done =
      is_unchanged_overlay(folder) ? remove_tree(folder) : start_removal(folder, cache);
  if (!done) log::debug("{}", done.error().message());
}

int remove_folder(const std::vector<std::string>& words) {
  if (words.size() != 1) return 1;
  const Path folder = words.front();
  const auto removed = remove_tree(folder);
  // The temporary folder of the process that started this one, if it was the last in it.
  std::error_code ignored;
  std::filesystem::remove(folder.parent_path(), ignored);
  return removed ? 0 : 1;
}

}  // namespace rtenv::cli
