// The file with logins for hosts that curl, pip and git share. libcurl reads it.
#pragma once

#include <optional>
#include <string_view>

#include "base/environment.hpp"
#include "base/fd.hpp"

namespace rtenv::remote {

/// NETRC, else ~/.netrc, which need not exist; nullopt without HOME.
std::optional<Path> netrc_file(const Environment& environment);

/// Whether it has an entry of its own for the host: "default" isn't one.
bool netrc_names(const Path& file, std::string_view host);

}  // namespace rtenv::remote
