#pragma once

#include <string_view>

#include "rtenv/export.hpp"

namespace rtenv {

/// Of the library that runs, such as "0.1.0"; the headers' is RTENV_VERSION of the package.
RTENV_API std::string_view version() noexcept;

}  // namespace rtenv
