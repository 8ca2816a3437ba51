// Pushes entries to the remote tier in the background (TierMode::write_back). Entries that aren't
// pushed when the process ends stay listed in the ledger, for the next process.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>

#include "base/cancellation.hpp"

namespace rtenv::cache {

class CacheState;

/// If another process already pushes entries of this cache.
enum class OtherSender : std::uint8_t { wait_for, leave_to };

/// Pushes all entries that the ledger lists as unsent. An entry that can't be packed is reported
/// and removed from the list. Requires: a tier. Fails: as RemoteTier::push; the remaining entries
/// stay listed.
Result<void> send_unsent(CacheState& state, OtherSender other, const Cancellation* cancellation);

/// A thread that pushes unsent entries. Thread-safe. The destructor cancels the upload under way
/// and joins the thread, which takes as long as the cancellation of one read or request.
class TierSender {
 public:
  TierSender() = default;
  TierSender(const TierSender&) = delete;
  TierSender& operator=(const TierSender&) = delete;
  ~TierSender();

  /// Pushes unsent entries; starts the thread if it isn't running. `state` must outlive this
  /// object.
  void wake(CacheState& state);

 private:
  std::mutex mutex_;
  bool running_ = false;
  bool again_ = false;  // wake() was called while the thread was running
  std::optional<Cancellation> cancellation_;
  std::thread thread_;
};

}  // namespace rtenv::cache
