// Reports which credentials this machine has for each store: where they come from, never their
// values. Helps to find out why a store denies access. Looks only at variables and files: calls no
// metadata service and runs no program.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/environment.hpp"

namespace rtenv::remote {

struct CredentialSource {
  std::string_view store;  // "s3", "gs", "azure", "http", "gcs"
  bool found = false;
  std::string where;        // the variable or file; if not found, what happens without credentials
  bool incomplete = false;  // not found, but the store's requests fail: `where` says why
};

/// One for each store.
std::vector<CredentialSource> find_credential_sources(const Environment& environment);

}  // namespace rtenv::remote
