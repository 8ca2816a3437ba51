// The environments in the cache, with what they were built from: for the commands that list and
// compare them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "rtenv/cache.hpp"

namespace rtenv::cli {

struct KnownEnv {
  CacheEntry entry;
  nlohmann::json parts;  // what its key is a digest of; null if it has no description
};

/// Least recently used first. Fails: as the ledger.
Result<std::vector<KnownEnv>> known_envs(const Cache& cache);

/// `key` may be the beginning of a key, if no other key begins so. Fails: as find_key.
Result<KnownEnv> find_env(const std::vector<KnownEnv>& envs, const std::string& key);

}  // namespace rtenv::cli
