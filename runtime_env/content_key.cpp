#include "runtime_env/content_key.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/hash.hpp"

namespace rtenv::runtime_env {

Result<nlohmann::json> content_part(const Path& path) {
  std::error_code error;
  std::vector<Path> files;
  if (std::filesystem::is_directory(path, error)) {
    for (const auto& entry : std::filesystem::directory_iterator(path, error))
      if (entry.is_regular_file(error)) files.push_back(entry.path());
  } else {
    files.push_back(path);
  }
  std::ranges::sort(files);
  nlohmann::json digests = nlohmann::json::array();
  for (const Path& file : files) {
    RTENV_TRY(const auto digest, sha256_hex_of_file(file));
    digests.push_back(fmt::format("{} sha256:{}", file.filename().native(), digest));
  }
  return digests;
}

}  // namespace rtenv::runtime_env
