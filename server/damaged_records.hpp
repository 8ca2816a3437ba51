// The records of a store that can't be read: they don't hinder the other jobs, and nothing changes
// or removes them. Not thread-safe.
#pragma once

#include <optional>
#include <string>
#include <unordered_set>

#include "base/log.hpp"
#include "server/job_record.hpp"

namespace rtenv::server {

class DamagedRecords {
 public:
  /// The record; nullopt if it is damaged (corrupt), which is logged once for each id. Fails: as
  /// `record`, but for corrupt.
  Result<std::optional<JobRecord>> leave_out(const std::string& id, Result<JobRecord> record) {
    if (record) return std::optional(std::move(*record));
    if (record.error().code() != Errc::corrupt) return Failure(std::move(record).error());
    if (known_.insert(id).second)
      log::warn("job {} is left out, and its record is left alone: {}", id,
                record.error().message());
    return std::optional<JobRecord>();
  }

 private:
  std::unordered_set<std::string> known_;
};

}  // namespace rtenv::server
