// The addresses at which cloud machines and containers find their own metadata, and with it
// credentials: requests for these go there, and no others. Thread-safe: no state.
#pragma once

#include <sys/socket.h>

#include <string_view>

namespace rtenv::remote {

/// Also if an IPv6 address contains the IPv4 address.
bool is_metadata_address(const sockaddr& address) noexcept;

/// Whether a URL's host (Origin::host) is such an address or a name that has one. Other names are
/// known only when they are resolved.
bool is_metadata_host(std::string_view host);

}  // namespace rtenv::remote
