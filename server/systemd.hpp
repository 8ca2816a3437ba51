// What systemd passes to a service, and wants to hear from it: sd_listen_fds(3), sd_notify(3).
// Nothing where there is none.
#pragma once

#include <optional>
#include <string_view>

#include "base/environment.hpp"

namespace rtenv::server {

/// The listening socket that this process was started with.
std::optional<Fd> activated_socket(const Environment& environment);

/// "READY=1", "STOPPING=1", "RELOADING=1".
void notify_systemd(const Environment& environment, std::string_view state);

}  // namespace rtenv::server
