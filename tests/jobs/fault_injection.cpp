// Linked into a build of the tool for tests: at fault points, a process is delayed, killed or fails
// as its environment says.
//
//   FAULTS=kills:N    of a thousand passages, N end the process and N take up to 20 ms longer
//   FAULTS=errors:N   of a thousand, N fail, for want of space or descriptors, or by the disk
#include <signal.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <thread>

#include "base/fault_point.hpp"

namespace {

constexpr std::string_view k_kills = "kills:";
constexpr std::string_view k_errors = "errors:";
constexpr std::array<int, 3> k_error_numbers{ENOSPC, EMFILE, EIO};

struct Faults {
  unsigned kills = 0;  // of a thousand
  unsigned errors = 0;
};

Faults from_environment() {
  const char* const value = std::getenv("FAULTS");
  const std::string text = value == nullptr ? "" : value;
  if (text.starts_with(k_kills))
    return {.kills = static_cast<unsigned>(std::stoul(text.substr(k_kills.size())))};
  if (text.starts_with(k_errors))
    return {.errors = static_cast<unsigned>(std::stoul(text.substr(k_errors.size())))};
  return {};
}

const Faults g_faults = from_environment();

unsigned random_below(unsigned end) {
  thread_local std::mt19937 random{std::random_device()()};
  return std::uniform_int_distribution<unsigned>(0, end - 1)(random);
}

int strike(const char* /*point*/) {
  const unsigned dice = random_below(1000);
  if (dice < g_faults.kills) ::kill(::getpid(), SIGKILL);
  if (dice < 2 * g_faults.kills)
    std::this_thread::sleep_for(std::chrono::milliseconds(random_below(20)));
  return dice < g_faults.errors ? k_error_numbers[random_below(k_error_numbers.size())] : 0;
}

[[maybe_unused]] const bool g_installed = [] {
  if (g_faults.kills + g_faults.errors > 0) rtenv::fault_hook = strike;
  return true;
}();

}  // namespace
