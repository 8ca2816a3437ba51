// What this process has.
#pragma once

#include <cstddef>

#include "base/folder_entries.hpp"
#include "base/process_stat.hpp"

namespace rtenv {

/// With the one that reads their list.
inline std::size_t count_descriptors() { return readable_entries("/proc/self/fd").size(); }

/// Without those that end: a thread that was joined is listed for a moment longer.
inline std::size_t count_threads() {
  std::size_t count = 0;
  for (const FolderEntry& thread : readable_entries("/proc/self/task")) {
    const auto stat = process_stat(static_cast<pid_t>(std::stoi(thread.name())));
    if (stat && !stat->exiting) ++count;
  }
  return count;
}

}  // namespace rtenv
