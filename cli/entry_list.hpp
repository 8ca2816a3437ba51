// Lists of a package's entries: of one that exists, or that would be made.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "rtenv/package.hpp"

namespace rtenv::cli {

/// For a list of names: a directory ends with '/'.
std::string name_in_archive(const Entry& entry);
/// "file", "executable", "directory" or "link".
std::string type_name(const Entry& entry);
nlohmann::json entry_json(const Entry& entry);
/// An array of these.
nlohmann::json entries_json(const std::vector<Entry>& entries);

}  // namespace rtenv::cli
