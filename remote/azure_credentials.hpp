// An account of Azure Blob Storage and its credentials: AZURE_STORAGE_CONNECTION_STRING, or
// AZURE_STORAGE_ACCOUNT (abfss URIs contain the account) with AZURE_STORAGE_KEY or
// AZURE_STORAGE_SAS_TOKEN. Without a key or token, requests are anonymous. As for the az tool,
// AZURE_STORAGE_SERVICE_ENDPOINT is the Blob service's URL.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/environment.hpp"
#include "remote/object_store.hpp"

namespace rtenv::remote {

struct AzureAccount {
  std::string name;
  std::string endpoint;        // of the Blob service, without a slash at the end
  std::vector<std::byte> key;  // empty: none
  std::string sas;             // "sv=…&sig=…"; empty: none
};

/// Fails: invalid_argument (no account is named; a malformed connection string or key; a connection
/// string of another account, or without a key or token unless the access is anonymous).
Result<AzureAccount> azure_account(const Uri& uri, const Environment& environment, Access access);

/// Adds the date and a signature by the account's key (Azure documentation, "Authorize with Shared
/// Key", Blob service, 2009-09-19 and later). `now`: "Sun, 06 Nov 1994 08:49:37 GMT".
void sign_azure_request(HttpRequest& request, const AzureAccount& account, std::string_view now);

}  // namespace rtenv::remote
