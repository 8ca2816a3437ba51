// The RECORD of an installed distribution: a CSV file with the path, hash and size of each file
// that it consists of (PEP 376, PEP 427).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace rtenv::envbuild {

struct RecordRow {
  std::string path;       // with '/'; relative to the folder that contains the *.dist-info folder
  std::string algorithm;  // "sha256"; empty: the row has no hash
  std::string digest;     // as base64_url encodes it
  std::optional<std::uint64_t> size_bytes;
};

/// Fails: corrupt (not such a file).
Result<std::vector<RecordRow>> parse_record(std::string_view text);

}  // namespace rtenv::envbuild
