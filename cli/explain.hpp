// The output of `pack --explain`: what was left out and by which rule, and the largest folders and
// files.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "rtenv/package.hpp"

namespace rtenv::cli {

/// On standard error.
void print_explanation(const Package& package);
/// The same as members of a JSON object.
nlohmann::json explanation_json(const Package& package);

}  // namespace rtenv::cli
