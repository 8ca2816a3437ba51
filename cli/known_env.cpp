#include "cli/known_env.hpp"

#include <algorithm>

#include "cli/key_prefix.hpp"
#include "envbuild/env_description.hpp"

namespace rtenv::cli {

Result<std::vector<KnownEnv>> known_envs(cache::Cache& cache) {
  RTENV_TRY(auto rows, cache.entries());
  std::vector<KnownEnv> envs;
  for (auto& row : rows) {
    if (row.kind != cache::Kind::env || !row.ready) continue;
    Path path = cache.path_of(row.kind, row.key);
    const auto parts = envbuild::read_env_description(path);
    envs.push_back({std::move(row), std::move(path), parts ? *parts : nlohmann::json()});
  }
  return envs;
}

Result<KnownEnv> find_env(const std::vector<KnownEnv>& envs, const std::string& key) {
  std::vector<cache::EntryRow> rows;
  for (const KnownEnv& env : envs) rows.push_back(env.row);
  RTENV_TRY(const auto found,
            find_key(rows, key, {"environment", "environments", "rtenv env list"}));
  return *std::ranges::find(envs, found, [](const KnownEnv& env) { return env.row.key; });
}

}  // namespace rtenv::cli
