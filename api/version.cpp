#include "rtenv/version.hpp"

namespace rtenv {

std::string_view version() noexcept { return RTENV_VERSION; }

}  // namespace rtenv
