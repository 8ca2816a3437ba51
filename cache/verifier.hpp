// Compares entries with their digests. Internal to this folder.
#pragma once

#include <memory>

#include "cache/cache_state.hpp"

namespace rtenv::cache {

class Verifier {
 public:
  Verifier(std::shared_ptr<CacheState> state, unsigned threads, const Cancellation* cancellation)
      : state_(std::move(state)), threads_(threads), cancellation_(cancellation) {}

  /// See Cache::verify.
  Result<VerifyReport> run();

 private:
  Result<void> verify(EntryRow row);
  Result<void> quarantine(EntryRow row);
  Result<void> forget_missing(EntryRow row);
  /// Whether the ledger still has this version of the entry.
  Result<bool> is_current(const EntryRow& row);

  std::shared_ptr<CacheState> state_;
  unsigned threads_;
  const Cancellation* cancellation_;
  VerifyReport report_;
};

}  // namespace rtenv::cache
