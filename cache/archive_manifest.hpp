// The manifest of an archive. A header of its own, because it includes the JSON library.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cache/kind.hpp"

namespace rtenv::cache {

struct ArchiveManifest {
  EntryName entry;
  std::string digest;
  nlohmann::json properties;
  nlohmann::json files;  // path: digest
};

}  // namespace rtenv::cache
