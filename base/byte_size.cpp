#include "base/byte_size.hpp"

#include <array>
#include <charconv>

namespace rtenv {
namespace {

constexpr std::string_view k_letters = "KMGTP";

}  // namespace

Result<std::uint64_t> parse_byte_size(std::string_view text) {
  const auto wrong = [&] {
    return fail(Errc::invalid_argument, "'{}' isn't a size", text)
        .hint("for example 10GiB, 512M, 2GB or a number of bytes");
  };
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) return wrong();
  std::string_view unit(end, text.data() + text.size());
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  if (unit.empty() || unit == "B") return static_cast<std::uint64_t>(number);
  const auto power = k_letters.find(unit.front());
  if (power == std::string_view::npos) return wrong();
  const std::string_view rest = unit.substr(1);
  if (!rest.empty() && rest != "B" && rest != "iB") return wrong();
  const double base = rest == "B" ? 1000 : 1024;
  for (std::size_t i = 0; i <= power; ++i) number *= base;
  if (number >= 1.8e19) return wrong();
  return static_cast<std::uint64_t>(number);
}

std::string format_byte_size(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  auto value = static_cast<double>(bytes) / 1024;
  std::size_t power = 0;
  for (; value >= 1024 && power + 1 < k_letters.size(); ++power) value /= 1024;
  return fmt::format("{:.1f} {}iB", value, k_letters[power]);
}

}  // namespace rtenv
