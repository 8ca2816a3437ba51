// Why a host's name wasn't resolved: libcurl doesn't tell. Thread-safe: no state.
#pragma once

#include <string>

#include "base/cancellation.hpp"

namespace rtenv::remote {

/// Whether an error of getaddrinfo(3) is about the name: there is no such host, now or later.
bool is_unknown_host(int lookup_error) noexcept;

/// Looks the name up, for 2 s at most. Whether it is certain that there is no such host; a name
/// server that can't be reached doesn't make it so. `cancellation` may be null.
bool host_is_unknown(const std::string& host, const Cancellation* cancellation);

}  // namespace rtenv::remote
