#include "remote/timestamp.hpp"

#include <array>
#include <ctime>

namespace rtenv::remote {

std::optional<std::int64_t> parse_timestamp(const std::string& text) {
  for (const char* format : std::array{"%Y-%m-%dT%H:%M:%S", "%a, %d %b %Y %H:%M:%S GMT"}) {
    std::tm parts{};
    if (::strptime(text.c_str(), format, &parts) != nullptr) return ::timegm(&parts);
  }
  return std::nullopt;
}

}  // namespace rtenv::remote
