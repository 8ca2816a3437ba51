// The disk space of the folders of jobs.
#pragma once

#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>

#include "base/fd.hpp"

namespace rtenv::server {

class FolderSizes {
 public:
  void add(std::string name, std::uint64_t bytes) {
    sum_ += bytes;
    by_name_.insert_or_assign(std::move(name), bytes);
  }
  [[nodiscard]] std::uint64_t sum() const noexcept { return sum_; }
  /// 0 if there is no such folder.
  [[nodiscard]] std::uint64_t of(const std::string& name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? 0 : found->second;
  }

 private:
  std::unordered_map<std::string, std::uint64_t> by_name_;
  std::uint64_t sum_ = 0;
};

/// Folders of deleted jobs that couldn't be removed. Thread-safe.
class UnremovableFolders {
 public:
  /// Logs the error.
  void add(const std::string& name, const Error& error);
  [[nodiscard]] std::uint64_t bytes(const FolderSizes& sizes) const;

 private:
  mutable std::mutex mutex_;
  std::set<std::string> names_;
};

/// By the names of the folders. What can't be read, or is removed meanwhile, doesn't count.
FolderSizes sizes_of_job_folders(const Path& state_folder);

}  // namespace rtenv::server
