// The errors of system calls, and the number of codes: see include/rtenv/error.hpp.
#pragma once

#include <string_view>

#include "rtenv/error.hpp"

namespace rtenv {

inline constexpr int k_errc_count = static_cast<int>(Errc::internal) + 1;

/// The error of a failed system call, with the code for this errno and the message "cannot <action>
/// <object>: <reason>".
Error system_error(int error_number, std::string_view action, std::string_view object);

}  // namespace rtenv
