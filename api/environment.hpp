// Environments of the API and of the layer envbuild. Internal to this folder.
#pragma once

#include "envbuild/prepare_options.hpp"
#include "rtenv/environment.hpp"

namespace rtenv::api {

class Call;

/// Fails: invalid_argument.
Result<envbuild::Renewal> renewal_of(const EnvOptions& options);

/// Must not outlive the call. Fails: invalid_argument (options that contradict each other).
Result<envbuild::PrepareOptions> prepare_options(const EnvOptions& options, Call& call);

}  // namespace rtenv::api
