#include "rtenv/version.hpp"

#define RTENV_TEXT_OF(number) #number
#define RTENV_TEXT(number) RTENV_TEXT_OF(number)

namespace rtenv {

std::string_view version() noexcept {
  constexpr std::string_view k_headers = RTENV_TEXT(RTENV_VERSION_MAJOR) "." RTENV_TEXT(
      RTENV_VERSION_MINOR) "." RTENV_TEXT(RTENV_VERSION_PATCH);
  static_assert(k_headers == RTENV_VERSION, "the version of CMakeLists.txt");
  return RTENV_VERSION;
}

}  // namespace rtenv
