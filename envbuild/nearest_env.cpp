#include "envbuild/nearest_env.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_text.hpp"
#include "envbuild/env_description.hpp"
#include "runtime_env/env_key.hpp"
#include "runtime_env/key_difference.hpp"

namespace rtenv::envbuild {
namespace {

constexpr std::size_t k_max_compared = 64;
constexpr std::size_t k_max_shown = 3;
constexpr std::size_t k_shown_digits = 12;

}  // namespace

std::string compare_with_nearest(const runtime_env::EnvKey& key, cache::Cache& cache) {
  const nlohmann::json parts = json_from_text(key.parts);
  const auto rows = cache.ready_entries(cache::Kind::env, "");
  std::string nearest;
  std::vector<runtime_env::KeyDifference> differences;
  for (std::size_t i = 0; rows && i < std::min(rows->size(), k_max_compared); ++i) {
    const cache::Key& other = (*rows)[i].key;
    const auto other_parts = read_env_description(cache.path_of(cache::Kind::env, other));
    if (!other_parts || !runtime_env::have_common_requirement(*other_parts, parts)) continue;
    auto found = runtime_env::key_differences(*other_parts, parts);
    if (!nearest.empty() && found.size() >= differences.size()) continue;
    nearest = other.text().substr(0, k_shown_digits);
    differences = std::move(found);
  }
  if (nearest.empty()) return "nothing like it is in the cache";
  if (differences.empty()) return fmt::format("{}… is for another interpreter", nearest);
  std::vector<std::string> shown;
  for (std::size_t i = 0; i < std::min(differences.size(), k_max_shown); ++i)
    shown.push_back(to_text(differences[i]));
  const std::size_t more = differences.size() - shown.size();
  return fmt::format("it differs from {}… by {}{}", nearest, fmt::join(shown, ", "),
                     more > 0 ? fmt::format(" and {} more", more) : "");
}

}  // namespace rtenv::envbuild
