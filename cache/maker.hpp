// How a caller of Cache::get_or_make makes an entry.
#pragma once

#include <functional>

#include "base/lock_file.hpp"
#include "cache/relocation.hpp"

namespace rtenv::cache {

struct MakeContext {
  /// Where to create the entry's folder. Doesn't exist when the maker is called.
  Path target;
  /// The build lock. Every process that the maker starts must inherit it: if this process is
  /// killed, the entry counts as being built until they have exited.
  int lock_fd = -1;
};
using Maker = std::function<Result<void>(const MakeContext&)>;

struct MakeOptions {
  /// How to wait for another process or thread that makes the same entry.
  WaitOptions wait;
  /// Pull the entry from the remote tier if it is there, push it after making it. For entries that
  /// are expensive to make and the same on other machines.
  bool use_remote_tier = false;
  /// For a pulled entry; may be empty.
  Relocate relocate;
};

}  // namespace rtenv::cache
