// The keys of entries for one purpose, of which the newest is used: an older one stays as long as
// somebody uses it.
#pragma once

#include <string>
#include <vector>

#include "cache/entry.hpp"

namespace rtenv::envbuild {

/// The first of `base`, `base`-2, `base`-3, … that no entry in `taken` has. Callers that see the
/// same entries get the same key, and so only one of them builds it. Fails: invalid_argument (not
/// a key).
Result<cache::Key> next_key(const std::string& base, const std::vector<cache::EntryRow>& taken);

}  // namespace rtenv::envbuild
