#include "base/unique_name.hpp"

#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>

namespace rtenv {
namespace {

constexpr std::size_t k_digits = 24;

}  // namespace

std::string unique_name() {
  std::uint64_t random_bits = 0;
  if (::getrandom(&random_bits, sizeof random_bits, 0) != sizeof random_bits)
    random_bits =
        static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  return fmt::format("{:08x}{:016x}", static_cast<std::uint32_t>(::getpid()), random_bits);
}

bool is_unique_name(std::string_view text) noexcept {
  return text.size() == k_digits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

}  // namespace rtenv
