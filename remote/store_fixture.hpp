// For tests of stores against a TestServer.
#pragma once

#include <string>
#include <vector>

#include "remote/object_store.hpp"
#include "remote/test_server.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::remote {

/// The paths of what the store lists. Fails: as ObjectStore::list.
inline Result<std::vector<std::string>> listed_paths(ObjectStore& store, std::string_view prefix) {
  std::vector<std::string> paths;
  RTENV_TRY(store.list(must(Uri::parse(prefix)), [&](const ListedObject& object) -> Result<void> {
    paths.push_back(object.uri.path);
    return {};
  }));
  return paths;
}

}  // namespace rtenv::remote
