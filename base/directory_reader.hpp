// Lists folders by descriptor, one after another, in one buffer of its own: for walks over many.
// Not thread-safe; make one per thread.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/fd.hpp"

namespace rtenv {

class DirectoryReader {
 public:
  struct Item {
    std::string_view name;   // ends with a NUL byte behind it
    unsigned char type = 0;  // DT_REG, DT_DIR, …; DT_UNKNOWN where the file system doesn't say
  };

  /// Everything but "." and "..", in no order. Valid until the next call. `shown` is for the
  /// message.
  Result<std::span<const Item>> list(const Fd& folder, std::string_view shown);

 private:
  std::vector<char> buffer_;
  std::vector<Item> items_;
};

}  // namespace rtenv
