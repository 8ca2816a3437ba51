#include "runtime_env/yaml_scalar.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>

namespace rtenv::runtime_env {
namespace {

using nlohmann::json;
using namespace std::string_view_literals;

template <std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::ranges::find(words, text) != words.end();
}

constexpr std::array k_null{""sv, "~"sv, "null"sv, "Null"sv, "NULL"sv};
constexpr std::array k_true{"yes"sv,  "Yes"sv, "YES"sv, "true"sv, "True"sv,
                            "TRUE"sv, "on"sv,  "On"sv,  "ON"sv};
constexpr std::array k_false{"no"sv,    "No"sv,  "NO"sv,  "false"sv, "False"sv,
                             "FALSE"sv, "off"sv, "Off"sv, "OFF"sv};
constexpr std::array k_infinity{".inf"sv, ".Inf"sv, ".INF"sv};
constexpr std::array k_nan{".nan"sv, ".NaN"sv, ".NAN"sv};

constexpr std::string_view k_digits = "0123456789";

bool all_of(std::string_view text, std::string_view characters) {
  return text.find_first_not_of(characters) == std::string_view::npos;
}

std::string without_underscores(std::string_view text) {
  std::string result(text);
  std::erase(result, '_');
  return result;
}

json integer(bool negative, std::string_view digits, int base) {
  const std::string clean = without_underscores(digits);
  char* end = nullptr;
  errno = 0;
  const unsigned long long value = std::strtoull(clean.c_str(), &end, base);
  if (errno != 0)
    return negative ? -std::numeric_limits<double>::infinity()
                    : std::numeric_limits<double>::infinity();
  if (!negative) return value;
  return -static_cast<std::int64_t>(value);
}

// A number in base 60: 1:30 or 1:30.5.
std::optional<json> sexagesimal(bool negative, std::string_view text) {
  const auto first_colon = text.find(':');
  if (first_colon == std::string_view::npos) return std::nullopt;
  const auto dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  const std::string_view head = whole.substr(0, first_colon);
  const bool is_float = dot != std::string_view::npos;
  if (head.empty() || !all_of(head, "0123456789_") || head[0] == '_' ||
      (!is_float && head[0] == '0'))
    return std::nullopt;
  if (is_float && !all_of(text.substr(dot + 1), "0123456789_")) return std::nullopt;
  double value = std::strtod(without_underscores(head).c_str(), nullptr);
  for (std::string_view rest = whole.substr(first_colon);;) {
    if (rest.empty()) break;
    rest.remove_prefix(1);
    const std::string_view part = rest.substr(0, rest.find(':'));
    const bool valid =
        (part.size() == 1 && all_of(part, k_digits)) ||
        (part.size() == 2 && part[0] >= '0' && part[0] <= '5' && all_of(part, k_digits));
    if (!valid) return std::nullopt;
    value = value * 60 + std::strtod(std::string(part).c_str(), nullptr);
    rest.remove_prefix(part.size());
  }
  if (is_float)
    value += std::strtod(("0" + without_underscores(text.substr(dot))).c_str(), nullptr);
  if (negative) value = -value;
  if (is_float) return json(value);
  return json(static_cast<std::int64_t>(value));
}

std::optional<json> resolve_integer(bool negative, std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (text.starts_with("0b") && text.size() > 2 && all_of(text.substr(2), "01_"))
    return integer(negative, text.substr(2), 2);
  if (text.starts_with("0x") && text.size() > 2 &&
      all_of(text.substr(2), "0123456789abcdefABCDEF_"))
    return integer(negative, text.substr(2), 16);
  if (text.size() > 1 && text[0] == '0' && all_of(text, "01234567_"))
    return integer(negative, text.substr(1), 8);
  if (text == "0" || (text[0] >= '1' && text[0] <= '9' && all_of(text, "0123456789_")))
    return integer(negative, text, 10);
  return std::nullopt;
}

// Needs a dot, and a sign in the exponent: 1e3 and 1.5e3 are strings in YAML 1.1.
std::optional<json> resolve_float(bool negative, bool has_sign, std::string_view text) {
  if (is_one_of(text, k_infinity)) {
    const double infinity = std::numeric_limits<double>::infinity();
    return json(negative ? -infinity : infinity);
  }
  if (!has_sign && is_one_of(text, k_nan)) return json(std::numeric_limits<double>::quiet_NaN());
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view whole = text.substr(0, dot);
  std::string_view fraction = text.substr(dot + 1);
  if (const auto e = fraction.find_first_of("eE"); e != std::string_view::npos) {
    const std::string_view exponent = fraction.substr(e + 1);
    const bool signed_digits = exponent.size() > 1 && (exponent[0] == '+' || exponent[0] == '-') &&
                               all_of(exponent.substr(1), k_digits);
    if (!signed_digits) return std::nullopt;
    fraction = fraction.substr(0, e);
  }
  if (!all_of(whole, "0123456789_") || !all_of(fraction, "0123456789_")) return std::nullopt;
  const bool leading_dot = whole.empty() && !has_sign && !fraction.empty() && fraction[0] != '_';
  const bool leading_digit = !whole.empty() && whole[0] != '_';
  if (!leading_dot && !leading_digit) return std::nullopt;
  const double value = std::strtod(without_underscores(text).c_str(), nullptr);
  return json(negative ? -value : value);
}

// 2024-01-31, optionally followed by a time.
bool is_date(std::string_view text) {
  const auto part = [&](std::size_t at, std::size_t count) {
    return at + count <= text.size() && all_of(text.substr(at, count), k_digits);
  };
  if (!part(0, 4) || text.size() < 8 || text[4] != '-') return false;
  if (text.size() == 10) return part(5, 2) && text[7] == '-' && part(8, 2);
  const auto second_dash = text.find('-', 5);
  if (second_dash == std::string_view::npos || second_dash == 5 || second_dash > 7 ||
      !all_of(text.substr(5, second_dash - 5), k_digits))
    return false;
  const auto time = text.find_first_of("Tt \t", second_dash);
  if (time == std::string_view::npos || time == second_dash + 1 || time > second_dash + 3)
    return false;
  return all_of(text.substr(second_dash + 1, time - second_dash - 1), k_digits) &&
         text.find(':', time) != std::string_view::npos &&
         all_of(text.substr(time), "0123456789:.TtZz+- \t");
}

}  // namespace

std::optional<json> resolve_plain_scalar(const std::string& text) {
  if (is_one_of(text, k_null)) return json();
  if (is_one_of(text, k_true)) return json(true);
  if (is_one_of(text, k_false)) return json(false);
  const bool has_sign = text[0] == '-' || text[0] == '+';
  const bool negative = text[0] == '-';
  const std::string_view unsigned_text = std::string_view(text).substr(has_sign ? 1 : 0);
  if (auto value = resolve_integer(negative, unsigned_text)) return value;
  if (auto value = resolve_float(negative, has_sign, unsigned_text)) return value;
  if (auto value = sexagesimal(negative, unsigned_text)) return value;
  if (is_date(text)) return std::nullopt;
  return json(text);
}

}  // namespace rtenv::runtime_env
