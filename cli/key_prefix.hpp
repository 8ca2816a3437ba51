// Keys of cache entries on the command line: whole, or their first characters.
#pragma once

#include <string>
#include <vector>

#include "cache/entry.hpp"

namespace rtenv::cli {

/// What is looked for, in messages.
struct KeySearch {
  const char* noun;          // "environment"
  const char* plural;        // "environments"
  const char* list_command;  // shows the keys
};

/// The key of an entry in `rows` that is `text`, or else the only one that begins with it. Several
/// kinds of entries may have it. Fails: not_found, invalid_argument (several keys begin with it).
Result<cache::Key> find_key(const std::vector<cache::EntryRow>& rows, const std::string& text,
                            const KeySearch& search);

}  // namespace rtenv::cli
