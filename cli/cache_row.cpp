#include "cli/cache_row.hpp"

#include <array>
#include <ctime>

#include "cli/optional_json.hpp"

namespace rtenv::cli {

nlohmann::json to_json(const cache::EntryRow& row) {
  nlohmann::json pins = nlohmann::json::array();
  for (const cache::Pin& pin : row.pins)
    pins.push_back({{"name", pin.name}, {"expires_ms", json_or_null(pin.expires_ms)}});
  return {{"kind", cache::info(row.kind).name},
          {"key", row.key.text()},
          {"size_bytes", row.size_bytes},
          {"ready", row.ready},
          {"created_ms", row.created_ms},
          {"last_used_ms", row.last_used_ms},
          {"hits", row.hits},
          {"held_by", row.holder_pids},
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
