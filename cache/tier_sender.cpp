#include "cache/tier_sender.hpp"

#include "base/clock.hpp"
#include "base/exceptions.hpp"
#include "base/lock_file.hpp"
#include "base/log.hpp"
#include "base/thread.hpp"
#include "cache/cache_state.hpp"
#include "cache/remote_tier.hpp"

namespace rtenv::cache {
namespace {

constexpr const char* k_pin_name = "remote-tier";
// Limits how long the pin of a crashed sender keeps its entry.
constexpr std::int64_t k_pin_ms = 3'600'000;

Result<void> send(CacheState& state, const EntryName& entry, const Cancellation* cancellation) {
  // Pinned, not leased: an upload must not count as a hit.
  RTENV_TRY(const bool pinned,
            state.ledger().pin(entry.kind, entry.key,
                               {.name = k_pin_name, .expires_ms = unix_ms() + k_pin_ms}));
  if (!pinned) return {};
  auto sent = state.tier()->push(entry, state.path_of(entry.kind, entry.key), cancellation);
  RTENV_TRY(state.ledger().unpin(entry.kind, entry.key, k_pin_name));
  if (!sent && sent.error().code() != Errc::unavailable && sent.error().code() != Errc::cancelled &&
      sent.error().code() != Errc::permission_denied) {
    log::warn("{} {} can't be pushed to the remote tier: {}", info(entry.kind).name, entry.key,
              sent.error().message());
  } else {
    RTENV_TRY(std::move(sent));
  }
  return state.ledger().forget_unsent(entry);
}

}  // namespace

Result<void> send_unsent(CacheState& state, OtherSender other, const Cancellation* cancellation) {
  const Path path = state.locks() / "tier-sender";
  RTENV_TRY(auto lock, LockFile::try_acquire(path));
  if (!lock && other == OtherSender::leave_to) return {};
  if (!lock) {
    RTENV_TRY(lock,
              LockFile::acquire(
                  path, {.cancellation = cancellation, .on_wait = [] {
                           log::info("waiting for another process that pushes to the remote tier");
                         }}));
  }
  for (;;) {
    RTENV_TRY(const auto entries, state.ledger().unsent());
    if (entries.empty()) return {};
    for (const auto& entry : entries) RTENV_TRY(send(state, entry, cancellation));
  }
}

TierSender::~TierSender() {
  if (cancellation_) cancellation_->request();
  if (thread_.joinable()) thread_.join();
}

void TierSender::wake(CacheState& state) {
  const std::lock_guard lock(mutex_);
  again_ = true;
  if (running_) return;
  if (thread_.joinable()) thread_.join();
  if (!cancellation_) {
    auto created = Cancellation::create();
    if (!created) return;  // a later process pushes the entries
    cancellation_.emplace(std::move(*created));
  }
  auto thread = start_thread([this, &state] {
    const WaitScope scope(&*cancellation_);
    for (;;) {
      {
        const std::lock_guard inner(mutex_);
        running_ = again_ && !cancellation_->requested();
        again_ = false;
        if (!running_) return;
      }
      const auto sent = without_exceptions(
          [&] { return send_unsent(state, OtherSender::leave_to, &*cancellation_); });
      if (!sent)
        log::debug("not all entries are pushed to the remote tier: {}", sent.error().message());
    }
  });
  if (!thread) return;
  running_ = true;
  thread_ = std::move(*thread);
}

}  // namespace rtenv::cache
