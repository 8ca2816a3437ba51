// Lists of a package's entries: of one that exists, or that would be made.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "pkg/tree.hpp"

namespace rtenv::cli {

/// "file", "executable", "directory" or "link".
std::string type_name(const pkg::Entry& entry);
nlohmann::json entry_json(const pkg::Entry& entry);
/// An array of these.
nlohmann::json entries_json(const std::vector<pkg::Entry>& entries);

}  // namespace rtenv::cli
