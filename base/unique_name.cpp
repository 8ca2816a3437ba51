#include "base/unique_name.hpp"

#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>

namespace rtenv {

std::string unique_name() {
  std::uint64_t random_bits = 0;
  if (::getrandom(&random_bits, sizeof random_bits, 0) != sizeof random_bits)
    random_bits =
        static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  return fmt::format("{:08x}{:016x}", static_cast<std::uint32_t>(::getpid()), random_bits);
}

}  // namespace rtenv
