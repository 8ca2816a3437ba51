// Versions: of the headers that a program was compiled with, and of the library that it runs with.
#pragma once

#include <string_view>

#include "rtenv/export.hpp"

#define RTENV_VERSION_MAJOR 0
#define RTENV_VERSION_MINOR 1
#define RTENV_VERSION_PATCH 0

namespace rtenv {

/// Of the library that runs, such as "0.1.0".
RTENV_API std::string_view version() noexcept;

}  // namespace rtenv
