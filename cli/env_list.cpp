#include <algorithm>

#include "base/file.hpp"
#include "base/json_text.hpp"
#include "cli/byte_size.hpp"
#include "cli/cache_row.hpp"
#include "cli/tool.hpp"
#include "envbuild/env_description.hpp"

namespace rtenv::cli {
namespace {

struct EnvListCommand {
  std::vector<std::string> keys;

  static Result<int> list(const Tool& tool);
  [[nodiscard]] Result<int> show(const Tool& tool) const;
  [[nodiscard]] Result<int> remove(const Tool& tool) const;
};

struct KnownEnv {
  cache::EntryRow row;
  Path path;
  nlohmann::json parts;  // what its key is a digest of; null where it doesn't say
};

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

// Keys may be shortened, as long as they name one.
Result<KnownEnv> find_env(const std::vector<KnownEnv>& envs, const std::string& key) {
  const auto matches = [&](const KnownEnv& env) { return env.row.key.starts_with(key); };
  const auto found = std::ranges::find_if(envs, matches);
  if (key.empty() || found == envs.end())
    return fail(Errc::not_found, "there is no environment {}", key)
        .hint("rtenv env list shows the keys");
  if (std::ranges::count_if(envs, matches) > 1)
    return fail(Errc::invalid_argument, "{} is the beginning of several environments", key)
        .hint("give more of the key");
  return *found;
}

std::string packages_of(const nlohmann::json& parts) {
  std::vector<std::string> names;
  for (const auto& name : parts.is_object() ? parts.value("requirements", nlohmann::json::array())
                                            : nlohmann::json::array())
    if (name.is_string()) names.push_back(name.get<std::string>());
  constexpr std::size_t k_shown = 5;
  const std::size_t more = names.size() - std::min(names.size(), k_shown);
  names.resize(names.size() - more);
  return fmt::format("{}{}", fmt::join(names, ", "),
                     more > 0 ? fmt::format(" and {} more", more) : "");
}

nlohmann::json described(const KnownEnv& env) {
  nlohmann::json object = to_json(env.row);
  object["path"] = env.path.native();
  object["parts"] = env.parts;
  return object;
}

Result<int> EnvListCommand::list(const Tool& tool) {
  RTENV_TRY(auto cache, tool.open_cache());
  RTENV_TRY(const auto envs, known_envs(cache));
  for (const KnownEnv& env : envs) {
    if (tool.json) {
      Tool::print_json(described(env));
      continue;
    }
    const auto interpreter = env.parts.is_object()
                                 ? env.parts.value("interpreter", nlohmann::json::object())
                                 : nlohmann::json();
    Tool::print_line(fmt::format(
        "{}  {:>10}  {}  python {:<8} {}", env.row.key, format_byte_size(env.row.size_bytes),
        local_time(env.row.last_used_ms),
        interpreter.is_object() ? interpreter.value("version", "?") : "?", packages_of(env.parts)));
  }
  if (!tool.json) log::info("{} environments", envs.size());
  return 0;
}

Result<int> EnvListCommand::show(const Tool& tool) const {
  RTENV_TRY(auto cache, tool.open_cache());
  RTENV_TRY(const auto envs, known_envs(cache));
  for (const std::string& key : keys) {
    RTENV_TRY(const KnownEnv env, find_env(envs, key));
    if (tool.json)
      Tool::print_json(described(env));
    else
      Tool::print_line(pretty_json_text(described(env)));
  }
  return 0;
}

Result<int> EnvListCommand::remove(const Tool& tool) const {
  RTENV_TRY(auto cache, tool.open_cache());
  RTENV_TRY(const auto envs, known_envs(cache));
  std::vector<KnownEnv> chosen;
  for (const std::string& key : keys) {
    RTENV_TRY(chosen.emplace_back(), find_env(envs, key));
  }
  nlohmann::json removed = nlohmann::json::array();
  std::uint64_t freed_bytes = 0;
  for (const KnownEnv& env : chosen) {
    RTENV_TRY(const bool was_there, cache.remove(env.row.kind, env.row.key));
    if (!was_there) continue;
    removed.push_back(env.row.key);
    freed_bytes += env.row.size_bytes;
  }
  if (tool.json)
    Tool::print_json({{"removed", removed}, {"freed_bytes", freed_bytes}});
  else
    log::info("{} environments removed, {} freed", removed.size(), format_byte_size(freed_bytes));
  return 0;
}

}  // namespace

void register_env_list(CLI::App& group, Tool& tool) {
  auto state = std::make_shared<EnvListCommand>();
  CLI::App* list =
      add_command(group, tool, "list",
                  "List the environments in the cache, least recently used first (--json: one "
                  "object a line)",
                  "  rtenv env list");
  list->callback([&tool] { tool.command = [&tool] { return EnvListCommand::list(tool); }; });

  CLI::App* show =
      add_command(group, tool, "show", "Say what an environment was made from, and where it is",
                  "  rtenv env show 3c9f0d");
  show->add_option("KEY", state->keys, "Keys, or what they begin with")->required();
  show->callback([state, &tool] { tool.command = [state, &tool] { return state->show(tool); }; });

  CLI::App* remove =
      add_command(group, tool, "rm", "Remove environments; those in use are refused (exit 4)",
                  "  rtenv env rm 3c9f0d");
  remove->add_option("KEY", state->keys, "Keys, or what they begin with")->required();
  remove->callback(
      [state, &tool] { tool.command = [state, &tool] { return state->remove(tool); }; });
}

}  // namespace rtenv::cli
