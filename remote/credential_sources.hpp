// Which credentials this machine has for which store: where they were found, never what they are.
// For people who wonder why a store refuses them. Looks at variables and files alone; no metadata
// service is asked, no program is started.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/environment.hpp"

namespace rtenv::remote {

struct CredentialSource {
  std::string_view store;  // "s3", "gs", "azure", "http", "gcs"
  bool found = false;
  std::string where;  // what names them; where there are none, what is done then
};

/// One for each store, in the order in which the stores ask.
std::vector<CredentialSource> find_credential_sources(const Environment& environment);

}  // namespace rtenv::remote
