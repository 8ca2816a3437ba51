// Settings of a remote tier; see remote_tier.hpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string_view>

#include "base/fd.hpp"
#include "cache/kind.hpp"
#include "remote/object_store.hpp"

namespace rtenv::cache {

class ArchiveFilter;
using MakeArchiveFilter = std::function<Result<std::unique_ptr<ArchiveFilter>>(const Path& entry)>;

enum class TierMode : std::uint8_t {
  /// Entries are pulled; nothing is pushed.
  read,
  /// A new entry is pushed before it is used.
  write_through,
  /// A new entry is pushed in the background. What isn't pushed when the process ends is pushed by
  /// the next process that opens the cache in this mode.
  write_back,
};

/// "read", "write-through", "write-back".
std::optional<TierMode> parse_tier_mode(std::string_view text);

struct RemoteTierOptions {
  remote::Uri prefix;
  TierMode mode = TierMode::read;
  /// Without progress for this long, an operation is given up and the tier disabled for a while.
  std::chrono::milliseconds timeout{10'000};
  /// Older archives are ignored, and removed by `remove_expired`. nullopt: archives don't expire.
  std::optional<std::chrono::seconds> max_age;
  remote::StoreOptions store;  // `cancellation` is ignored
  /// The archive filter of each kind; entries of other kinds are packed unmodified.
  std::map<Kind, MakeArchiveFilter> filters;
};

/// Fails: invalid_argument (a URI below which no archives can be stored).
Result<void> check_holds_archives(const remote::Uri& uri);

/// Result of removing expired archives.
struct ExpiredArchives {
  std::uint64_t removed = 0;
  std::uint64_t removed_bytes = 0;
  std::uint64_t kept = 0;
  std::uint64_t kept_bytes = 0;
};

}  // namespace rtenv::cache
