// How a caller of Cache::get_or_build builds an entry.
#pragma once

#include <functional>
#include <string>

#include "base/lock_file.hpp"
#include "cache/relocation.hpp"

namespace rtenv::cache {

struct BuildContext {
  /// Where to create the entry's folder. Doesn't exist when the builder is called.
  Path target;
  /// The build lock. Every process that the builder starts must inherit it: if this process is
  /// killed, the entry counts as being built until they have exited.
  int lock_fd = -1;
};
using Builder = std::function<Result<void>(const BuildContext&)>;

struct BuildOptions {
  /// How to wait for another process or thread that builds the same entry.
  WaitOptions wait;
  /// Pull the entry from the remote tier if it is there, push it after building it. For entries
  /// that are expensive to build and the same on other machines.
  bool use_remote_tier = false;
  /// For a pulled entry; may be empty.
  Relocate relocate;
  /// The digest of what the builder has built, see tree_digest, if the builder computes it while it
  /// reads the files anyway. Empty: the cache computes it.
  std::function<std::string()> built_digest;
};

}  // namespace rtenv::cache
