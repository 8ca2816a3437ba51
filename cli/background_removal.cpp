#include "cli/background_removal.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/absolute_path.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/mount_plan.hpp"
#include "base/process.hpp"
#include "cache/cache.hpp"

namespace rtenv::cli {
namespace {

constexpr int k_wait_ms = 50;

// Returns a descriptor that is readable when the folders are gone.
Result<Fd> start_removal(const std::vector<Path>& folders, std::vector<int> keep_fds) {
  std::vector<std::string> argv{"/proc/self/exe", std::string(k_remove_folders)};
  for (const Path& folder : folders) argv.push_back(folder.native());
  RTENV_TRY(const Fd null, open_file("/dev/null", O_WRONLY));
  RTENV_TRY(auto process, ChildProcess::spawn({.argv = std::move(argv),
                                               .environment = {},
                                               .working_dir = "/",
                                               .output_fd = null.get(),
                                               .null_input = true,
                                               .own_session = true,
                                               .keep_fds = std::move(keep_fds)}));
  return process.detach();
}

Result<void> start_removal_of_job_folder(const Path& folder, cache::Cache& cache) {
  // While the process holds this lock, no other one removes the folder.
  RTENV_TRY(const auto lock, cache.try_lock(cache::Cache::k_sweeper_lock));
  // The temporary folder of this process goes with it, if it is empty then.
  RTENV_TRY(start_removal({folder, folder.parent_path() / ""},
                          lock ? std::vector{lock->fd().get()} : std::vector<int>()));
  return {};
}

}  // namespace

void remove_job_folder(const Path& folder, cache::Cache& cache) {
  const auto done = is_unchanged_overlay(folder) ? remove_tree(folder)
                                                 : start_removal_of_job_folder(folder, cache);
  if (!done) log::debug("{}", done.error().message());
}

void remove_left_folders(const Cancellation& cancellation) {
  std::vector<Path> folders = cancellation.take_left_folders();
  if (folders.empty()) return;
  for (Path& folder : folders) folder = absolute_path(folder);
  const auto process = start_removal(folders, {});
  if (!process) {
    for (Path& folder : folders) cancellation.leave(std::move(folder));
    return;
  }
  pollfd event{.fd = process->get(), .events = POLLIN, .revents = 0};
  ::poll(&event, 1, k_wait_ms);
}

int remove_folders(const std::vector<std::string>& words) {
  int status = 0;
  for (const std::string& folder : words) {
    if (folder.ends_with('/'))
      ::rmdir(folder.c_str());
    else if (!remove_tree(folder))
      status = 1;
  }
  return status;
}

}  // namespace rtenv::cli
