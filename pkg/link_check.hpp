// Links that lead nowhere in a package, because what they lead to is excluded or doesn't exist.
#pragma once

#include <string>
#include <vector>

#include "pkg/tree.hpp"

namespace rtenv::pkg {

/// A warning for each, which names the link and its target. Requires: the entries are sorted by
/// path.
std::vector<std::string> dangling_links(const std::vector<Entry>& entries);

}  // namespace rtenv::pkg
