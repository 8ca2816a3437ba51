// The folder of a server's state: jobs.db, and a folder for each job under jobs/.
#pragma once

#include <string>
#include <unordered_set>

#include "base/lock_file.hpp"

namespace rtenv::server {

struct StateFolder {
  LockFile lock;
  std::string node_id;  // 56 hex digits; stays the same, because clients remember it
  std::string owner;    // of pins in the cache; another one for a copy of the folder
};

/// Whether a server has used the folder: also if its node-id was lost.
bool has_state(const Path& folder);

/// Creates the folder if it doesn't exist, makes it private, and locks it for this server. Fails:
/// permission_denied (it or a file in it belongs to another user, or is a link), unavailable
/// (another server uses it).
Result<StateFolder> open_state_folder(const Path& folder);

/// The names of the job folders. Fails: as opendir(3).
Result<std::unordered_set<std::string>> job_folders(const Path& state_folder);

}  // namespace rtenv::server
