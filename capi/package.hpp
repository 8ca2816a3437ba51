// Packages of the C functions. Internal to this folder.
#pragma once

#include "capi/call.hpp"
#include "rtenv/package.hpp"

struct rtenv_package {
  rtenv::Package package;
  std::string uri;
};

namespace rtenv::capi {

/// Fails: invalid_argument.
Result<PackOptions> pack_options(const rtenv_pack_options* given);

}  // namespace rtenv::capi
