// The output of `pack --explain`: what was left out and by which rule, and the largest folders and
// files.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "pkg/tree.hpp"

namespace rtenv::cli {

/// On standard error.
void print_explanation(const pkg::Tree& tree);
/// The same as members of a JSON object.
nlohmann::json explanation_json(const pkg::Tree& tree);

}  // namespace rtenv::cli
