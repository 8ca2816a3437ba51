// How the entries of the cache are printed.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "rtenv/cache.hpp"

namespace rtenv::cli {

nlohmann::json to_json(const CacheEntry& entry);

/// "2026-01-31 13:05:59", in the local time zone.
std::string local_time(std::int64_t unix_ms);

}  // namespace rtenv::cli
