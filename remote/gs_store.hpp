// Google Cloud Storage over its JSON API, or the emulator at STORAGE_EMULATOR_HOST.
// Credentials: remote/gs_credentials.hpp.
#pragma once

#include "remote/object_store.hpp"

namespace rtenv::remote {

Result<std::unique_ptr<ObjectStore>> open_gs_store(Environment environment, Access access,
                                                   const Cancellation* cancellation);

}  // namespace rtenv::remote
