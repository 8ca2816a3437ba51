// Compares the contents of files.
#pragma once

#include "base/clone_tree.hpp"
#include "base/raw_bytes.hpp"

namespace rtenv {

/// Not thread-safe; use one per thread.
class FileComparer {
 public:
  /// Whether two regular files of this size have the same content. Reads as far as they are equal.
  /// Errors name `first` as `shown` / `first.name`. Fails: by the errno of open(2) and read(2).
  Result<bool> have_equal_content(EntryAt first, EntryAt second, std::uint64_t size_bytes,
                                  const Path& shown);

 private:
  RawBytes first_;
  RawBytes second_;
};

}  // namespace rtenv
