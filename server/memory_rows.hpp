// For tests: the rows of a job store in memory, with transactions.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "base/result.hpp"

namespace rtenv::server {

/// What all objects of one store share, for as long as the test needs it.
template <class Row>
struct MemoryRows {
  std::mutex mutex;
  std::map<std::int64_t, Row> rows;  // by number
  std::int64_t last_number = 0;
};

/// One object's use of them.
template <class Row>
class MemoryTable {
 public:
  explicit MemoryTable(MemoryRows<Row>& shared) : shared_(shared) {}

  /// In a transaction, they are locked already.
  [[nodiscard]] std::unique_lock<std::mutex> locked() const {
    return is_in_transaction_ ? std::unique_lock<std::mutex>()
                              : std::unique_lock<std::mutex>(shared_.mutex);
  }
  [[nodiscard]] std::int64_t ended_count() const {
    const auto lock = locked();
    return std::ranges::count_if(shared_.rows,
                                 [](const auto& row) { return row.second.end_ms > 0; });
  }
  Result<void> transaction(const std::function<Result<void>()>& body) {
    const std::lock_guard lock(shared_.mutex);
    auto before = shared_.rows;
    is_in_transaction_ = true;
    auto done = body();
    is_in_transaction_ = false;
    if (!done) shared_.rows = std::move(before);
    return done;
  }

 private:
  MemoryRows<Row>& shared_;
  bool is_in_transaction_ = false;
};

}  // namespace rtenv::server
