#include "cli/known_env.hpp"

#include <algorithm>

#include "cli/key_prefix.hpp"
#include "envbuild/env_description.hpp"

namespace rtenv::cli {

Result<std::vector<KnownEnv>> known_envs(const Cache& cache) {
  RTENV_TRY(auto entries, cache.entries());
  std::vector<KnownEnv> envs;
  for (CacheEntry& entry : entries) {
    if (entry.kind != EntryKind::env || !entry.is_ready) continue;
    const auto parts = envbuild::read_env_description(entry.path);
    envs.push_back({std::move(entry), parts ? *parts : nlohmann::json()});
  }
  return envs;
}

Result<KnownEnv> find_env(const std::vector<KnownEnv>& envs, const std::string& key) {
  std::vector<CacheEntry> entries;
  for (const KnownEnv& env : envs) entries.push_back(env.entry);
  RTENV_TRY(const auto found,
            find_key(entries, key, {"environment", "environments", "rtenv env list"}));
  return *std::ranges::find(envs, found, [](const KnownEnv& env) { return env.entry.key; });
}

}  // namespace rtenv::cli
