#include "base/duration.hpp"

#include <charconv>

namespace rtenv {

Result<std::chrono::seconds> parse_duration(std::string_view text) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const std::int64_t unit_s = unit.empty() || unit == "s" ? 1
                              : unit == "m"               ? 60
                              : unit == "h"               ? 3600
                              : unit == "d"               ? 86400
                                                          : 0;
  if (error != std::errc() || unit_s == 0 || count < 0 ||
      count > k_longest_duration.count() / unit_s)
    return fail(Errc::invalid_argument, "'{}' isn't a duration", text)
        .hint("for example 90s, 10m, 2h or 30d");
  return std::chrono::seconds(count * unit_s);
}

}  // namespace rtenv
