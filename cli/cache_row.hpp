// How the cache's entries are shown.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cache/entry.hpp"

namespace rtenv::cli {

nlohmann::json to_json(const cache::EntryRow& row);

/// "2026-01-31 13:05:59", in this machine's time zone.
std::string local_time(std::int64_t unix_ms);

}  // namespace rtenv::cli
