// Timestamps in the formats that stores use. Thread-safe: no state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace rtenv::remote {

/// Unix time in seconds of "2009-10-12T17:50:30.000Z" (ISO 8601, in JSON and S3's XML) or
/// "Mon, 12 Oct 2009 17:50:30 GMT" (RFC 9110, section 5.6.7, in headers and Azure's XML); nullopt
/// if the text is neither.
std::optional<std::int64_t> parse_timestamp(const std::string& text);

}  // namespace rtenv::remote
