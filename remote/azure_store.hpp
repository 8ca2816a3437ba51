// Azure Blob Storage over the Blob service's REST API: azure://CONTAINER/BLOB and
// abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH. Credentials: remote/azure_credentials.hpp.
#pragma once

#include "remote/object_store.hpp"

namespace rtenv::remote {

/// Fails: as azure_account.
Result<std::unique_ptr<ObjectStore>> open_azure_store(const Uri& uri, Environment environment,
                                                      Access access,
                                                      const Cancellation* cancellation);

}  // namespace rtenv::remote
