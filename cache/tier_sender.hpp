// Sends entries to the remote tier behind the work that uses them (TierMode::write_back). What
// isn't sent when the process ends stays noted in the ledger, for the next one.
#pragma once

#include <mutex>
#include <optional>
#include <thread>

#include "base/cancellation.hpp"

namespace rtenv::cache {

class CacheState;

/// Sends all that the remote tier is still to get. `waits`: for another process that does so; else
/// it is left to that one. An entry that can't be packed is told and forgotten. Requires: a tier.
/// Fails: as RemoteTier::push; nothing is forgotten then.
Result<void> send_unsent(CacheState& state, bool waits, const Cancellation* cancellation);

/// Thread-safe. Ends with its object: what is under way is given up, not waited for.
class TierSender {
 public:
  TierSender() = default;
  TierSender(const TierSender&) = delete;
  TierSender& operator=(const TierSender&) = delete;
  ~TierSender();

  /// Looks for what is to be sent. `state` must outlive this object.
  void wake(CacheState& state);

 private:
  std::mutex mutex_;
  bool running_ = false;
  bool again_ = false;
  std::optional<Cancellation> cancellation_;
  std::thread thread_;
};

}  // namespace rtenv::cache
