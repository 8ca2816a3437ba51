// Removes large folders after the command has exited: what a job wrote, and what was unfinished
// when the command was interrupted.
#pragma once

#include <string>
#include <vector>

#include "base/cancellation.hpp"
#include "base/environment.hpp"

namespace rtenv::cache {
class Cache;
}

namespace rtenv::cli {

/// Removes the folder of an ended job: at once if nothing was written to it, otherwise in a process
/// in the background. What isn't removed, for whatever reason, the next process that opens the
/// cache removes.
void remove_job_folder(const Path& folder, cache::Cache& cache);

/// Removes the folders that interrupted work left. Waits a moment for that, since most are small.
void remove_left_folders(const Cancellation& cancellation);

/// The process in the background: `rtenv remove-folders FOLDER…`. A folder with a slash at its end
/// is removed only if it is empty. Not for users, so it isn't in the help.
inline constexpr std::string_view k_remove_folders = "remove-folders";
int remove_folders(const std::vector<std::string>& words);

}  // namespace rtenv::cli
