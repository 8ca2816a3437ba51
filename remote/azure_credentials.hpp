// An account of Azure Blob Storage and who asks: AZURE_STORAGE_CONNECTION_STRING, or
// AZURE_STORAGE_ACCOUNT (in abfss URIs the account stands in the URI) with AZURE_STORAGE_KEY or
// AZURE_STORAGE_SAS_TOKEN; without either, anonymous.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/environment.hpp"
#include "remote/http.hpp"
#include "remote/uri.hpp"

namespace rtenv::remote {

struct AzureAccount {
  std::string name;
  std::string endpoint;        // of its blobs, without a slash at the end
  std::vector<std::byte> key;  // of the account; empty: none
  std::string sas;             // "sv=…&sig=…"; empty: none
};

/// Fails: invalid_argument (no account named, a connection string or a key that isn't one, one for
/// another account).
Result<AzureAccount> azure_account(const Uri& uri, const Environment& environment);

/// Dates and signs a request by the account's key (docs: "Authorize with Shared Key", Blob service,
/// 2009-09-19 and later). `now`: "Sun, 06 Nov 1994 08:49:37 GMT".
void sign_azure_request(HttpRequest& request, const AzureAccount& account, std::string_view now);

}  // namespace rtenv::remote
