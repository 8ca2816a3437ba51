// Bytes seen as text.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace rtenv::pkg {

/// A view of the same memory.
inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace rtenv::pkg
