// The protocols between systemd and a service: sd_listen_fds(3) and sd_notify(3).
#pragma once

#include <optional>
#include <string_view>

#include "base/environment.hpp"
#include "base/fd.hpp"

namespace rtenv::cli {

/// The listening socket that systemd passed to this process; nullopt if there is none.
std::optional<Fd> activated_socket(const Environment& environment);

/// `state`: "READY=1" or "STOPPING=1". Does nothing if systemd didn't start this process.
void notify_systemd(const Environment& environment, std::string_view state);

}  // namespace rtenv::cli
