// Builds one entry: takes its build lock, pulls it from the remote tier or runs the caller's
// builder, and publishes it in the ledger. Internal to this folder.
#pragma once

#include <memory>

#include "cache/cache_state.hpp"

namespace rtenv::cache {

/// One use, by one thread.
class EntryBuilder {
 public:
  EntryBuilder(std::shared_ptr<CacheState> state, EntryName entry, const Builder& builder,
               const BuildOptions& options);

  /// Fails: see Cache::get_or_build.
  Result<Lease> build();

 private:
  [[nodiscard]] bool uses_tier() const;
  Result<Lease> build_locked(int lock_fd);
  Result<Lease> build_staged(int lock_fd);
  Result<Lease> build_in_place(int lock_fd);
  Result<void> wait_for_other_builder();
  Result<void> pull_or_build(const BuildContext& context);
  Result<std::string> digest(const Path& content) const;
  Result<Lease> publish(std::string digest);
  Failure give_up(Error error);
  Result<void> push(const Lease& lease);

  enum class Origin : std::uint8_t { found, pulled, built };

  std::shared_ptr<CacheState> state_;
  EntryName entry_;
  const KindInfo& kind_;
  Path path_;
  const Builder& builder_;
  const BuildOptions& options_;
  Origin origin_ = Origin::found;
  std::uint64_t lock_inode_ = 0;  // of the build lock, which this object holds
};

}  // namespace rtenv::cache
