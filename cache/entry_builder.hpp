// Makes one entry: takes its build lock, pulls it from the remote tier or runs the caller's maker,
// and publishes it in the ledger. Internal to this folder.
#pragma once

#include <memory>

#include "cache/cache_state.hpp"

namespace rtenv::cache {

/// One use, by one thread.
class EntryBuilder {
 public:
  EntryBuilder(std::shared_ptr<CacheState> state, EntryName entry, const Maker& make,
               const MakeOptions& options);

  /// Fails: see Cache::get_or_make.
  Result<Lease> build();

 private:
  [[nodiscard]] bool uses_tier() const;
  Result<Lease> build_locked(int lock_fd);
  Result<Lease> build_staged(int lock_fd);
  Result<Lease> build_in_place(int lock_fd);
  Result<void> pull_or_make(const MakeContext& context);
  Result<Lease> publish(MadeEntry made);
  Failure give_up(Error error);
  Result<void> push(const Lease& lease);

  enum class Origin : std::uint8_t { found, pulled, made };

  std::shared_ptr<CacheState> state_;
  EntryName entry_;
  const KindInfo& kind_;
  Path path_;
  const Maker& make_;
  const MakeOptions& options_;
  Origin origin_ = Origin::found;
};

}  // namespace rtenv::cache
