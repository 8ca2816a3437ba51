// Google Cloud Storage, by its JSON API; at STORAGE_EMULATOR_HOST where that is set. Credentials:
// remote/gs_credentials.hpp.
#pragma once

#include "remote/object_store.hpp"

namespace rtenv::remote {

Result<std::unique_ptr<ObjectStore>> open_gs_store(Environment environment,
                                                   const Cancellation* cancellation);

}  // namespace rtenv::remote
