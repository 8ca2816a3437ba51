// Removes what a job wrote after `rtenv run` has exited.
#pragma once

#include <string>
#include <vector>

#include "base/environment.hpp"

namespace rtenv::cache {
class Cache;
}

namespace rtenv::cli {

/// Removes the folder of an ended job: at once if nothing was written to it, otherwise in a process
/// in the background. What isn't removed, for whatever reason, the next process that opens the
/// cache removes.
void remove_job_folder(const Path& folder, cache::Cache& cache);

/// The process in the background: `rtenv remove-folder FOLDER`. Not for users, so it isn't in the
/// help.
inline constexpr std::string_view k_remove_folder = "remove-folder";
int remove_folder(const std::vector<std::string>& words);

}  // namespace rtenv::cli
