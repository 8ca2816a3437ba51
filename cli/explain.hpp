// What `pack --explain` says: what was left out and by which rule, and what makes the package
// large.
#pragma once

#include <nlohmann/json.hpp>

#include "pkg/tree.hpp"

namespace rtenv::cli {

/// On standard error, for people.
void explain(const pkg::Tree& tree);
/// The same as members of a JSON object.
nlohmann::json explanation(const pkg::Tree& tree);

}  // namespace rtenv::cli
