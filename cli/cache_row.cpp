#include "cli/cache_row.hpp"

#include <array>
#include <ctime>

#include "cli/optional_json.hpp"

namespace rtenv::cli {

nlohmann::json to_json(const CacheEntry& entry) {
  nlohmann::json pins = nlohmann::json::array();
  for (const CachePin& pin : entry.pins)
    pins.push_back({{"name", pin.name}, {"expires_ms", json_or_null(pin.expires_ms)}});
  return {{"kind", name(entry.kind)},
          {"key", entry.key},
          {"size_bytes", entry.size_bytes},
          {"ready", entry.is_ready},
          {"created_ms", entry.created_ms},
          {"last_used_ms", entry.last_used_ms},
          {"hits", entry.hits},
          {"held_by", entry.holder_pids},
          {"pins", std::move(pins)}};
}

std::string local_time(std::int64_t unix_ms) {
  const std::time_t seconds = unix_ms / 1000;
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
  return {text.data(), length};
}

}  // namespace rtenv::cli
