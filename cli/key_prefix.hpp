// Keys of cache entries on the command line: whole, or their first characters.
#pragma once

#include <string>
#include <vector>

#include "rtenv/cache.hpp"

namespace rtenv::cli {

/// What is looked for, in messages.
struct KeySearch {
  const char* noun;          // "environment"
  const char* plural;        // "environments"
  const char* list_command;  // shows the keys
};

/// The key of an entry that is `text`, or else the only one that begins with it. Several
/// kinds of entries may have it. Fails: not_found, invalid_argument (several keys begin with it).
Result<std::string> find_key(const std::vector<CacheEntry>& entries, const std::string& text,
                             const KeySearch& search);

}  // namespace rtenv::cli
