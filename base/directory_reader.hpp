// Lists directories by descriptor, reusing one buffer: for walks over many directories. Not
// thread-safe; use one per thread.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/fd.hpp"

namespace rtenv {

class DirectoryReader {
 public:
  struct Item {
    std::string_view name;   // followed by a NUL byte
    unsigned char type = 0;  // DT_REG, DT_DIR, …; DT_UNKNOWN if the file system doesn't report it
  };

  /// All entries except "." and "..", in no particular order. Valid until the next call. Errors
  /// name the directory as `shown`.
  Result<std::span<const Item>> list(const Fd& folder, std::string_view shown);

 private:
  std::vector<char> buffer_;
  std::vector<Item> items_;
};

}  // namespace rtenv
