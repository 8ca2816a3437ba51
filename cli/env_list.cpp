#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/byte_size.hpp"
#include "base/json_text.hpp"
#include "cli/cache_row.hpp"
#include "cli/commands.hpp"
#include "cli/known_env.hpp"

namespace rtenv::cli {
namespace {

struct EnvListCommand {
  std::vector<std::string> keys;

  [[nodiscard]] Result<int> show(const Tool& tool) const;
  [[nodiscard]] Result<int> remove(const Tool& tool) const;
};

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

std::string python_version_of(const nlohmann::json& parts) {
  if (!parts.is_object()) return "?";
  const auto interpreter = parts.value("interpreter", nlohmann::json::object());
  return interpreter.is_object() ? interpreter.value("version", "?") : "?";
}

nlohmann::json to_json(const KnownEnv& env) {
  nlohmann::json object = cli::to_json(env.entry);
  object["path"] = env.entry.path.native();
  object["parts"] = env.parts;
  return object;
}

Result<int> list(const Tool& tool) {
  RTENV_TRY(auto cache, tool.open_cache_to_make_room());
  RTENV_TRY(const auto envs, known_envs(cache));
  for (const KnownEnv& env : envs)
    tool.output.print(
        to_json(env),
        fmt::format("{}  {:>10}  {}  python {:<8} {}", env.entry.key,
                    format_byte_size(env.entry.size_bytes), local_time(env.entry.last_used_ms),
                    python_version_of(env.parts), packages_of(env.parts)));
  if (!tool.output.json) log::info("{} environments", envs.size());
  return 0;
}

Result<int> EnvListCommand::show(const Tool& tool) const {
  RTENV_TRY(auto cache, tool.open_cache_to_make_room());
  RTENV_TRY(const auto envs, known_envs(cache));
  for (const std::string& key : keys) {
    RTENV_TRY(const KnownEnv env, find_env(envs, key));
    const nlohmann::json description = to_json(env);
    tool.output.print(description, pretty_json_text(description));
  }
  return 0;
}

Result<int> EnvListCommand::remove(const Tool& tool) const {
  RTENV_TRY(auto cache, tool.open_cache_to_make_room());
  RTENV_TRY(const auto envs, known_envs(cache));
  std::vector<KnownEnv> chosen;
  for (const std::string& key : keys) {
    RTENV_TRY(auto env, find_env(envs, key));
    chosen.push_back(std::move(env));
  }
  nlohmann::json removed = nlohmann::json::array();
  std::uint64_t freed_bytes = 0;
  for (const KnownEnv& env : chosen) {
    RTENV_TRY(const bool was_there, cache.remove(env.entry.kind, env.entry.key, tool.stop));
    if (!was_there) continue;
    removed.push_back(env.entry.key);
    freed_bytes += env.entry.size_bytes;
  }
  tool.output.print({{"removed", removed}, {"freed_bytes", freed_bytes}}, [&] {
    log::info("{} environments removed, {} freed", removed.size(), format_byte_size(freed_bytes));
  });
  return 0;
}

}  // namespace

void register_env_list(const Command& env_group, Tool& tool) {
  constexpr const char* k_keys_help = "Keys, or their first characters";
  auto state = std::make_shared<EnvListCommand>();
  add_command(env_group, tool, "list",
              "List the environments in the cache, least recently used first (--json: one object "
              "per line)",
              "  rtenv env list")
      .alias("ls")
      .set_action([&tool] { return list(tool); });

  const Command show = add_command(env_group, tool, "show",
                                   "Show what an environment was built from, and where it is",
                                   "  rtenv env show 3c9f0d");
  show.add_option("KEY", state->keys, k_keys_help).required();
  show.set_action([state, &tool] { return state->show(tool); });

  const Command remove =
      add_command(env_group, tool, "rm", "Remove environments; those in use are refused (exit 5)",
                  "  rtenv env rm 3c9f0d")
          .alias("delete");
  remove.add_option("KEY", state->keys, k_keys_help).required();
  remove.set_action([state, &tool] { return state->remove(tool); });
}

}  // namespace rtenv::cli
