#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/known_env.hpp"
#include "cli/optional_json.hpp"
#include "runtime_env/key_difference.hpp"

namespace rtenv::cli {
namespace {

struct WhyCommand {
  std::string first;
  std::string second;

  [[nodiscard]] Result<int> run(const Tool& tool) const;
};

nlohmann::json to_json(const std::vector<runtime_env::KeyDifference>& differences) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& [part, before, after] : differences)
    list.push_back(
        {{"part", part}, {"before", json_or_null(before)}, {"after", json_or_null(after)}});
  return list;
}

Result<int> WhyCommand::run(const Tool& tool) const {
  RTENV_TRY(auto cache, tool.open_cache_to_make_room());
  RTENV_TRY(const auto envs, known_envs(cache));
  RTENV_TRY(const KnownEnv before, find_env(envs, first));
  RTENV_TRY(const KnownEnv after, find_env(envs, second));
  for (const KnownEnv* env : {&before, &after})
    if (env->parts.is_null())
      return fail(Errc::not_found, "the environment {} doesn't say what it was built from",
                  env->entry.key);
  const auto differences = runtime_env::key_differences(before.parts, after.parts);
  tool.output.print({{"first", before.entry.key},
                     {"second", after.entry.key},
                     {"differences", to_json(differences)}},
                    [&] {
                      for (const auto& difference : differences) print_line(to_text(difference));
                      if (differences.empty())
                        log::info(
                            "{} and {} were built from the same list: if one was renewed, "
                            "an index may have given it other versions",
                            before.entry.key, after.entry.key);
                    });
  return 0;
}

}  // namespace

void register_env_why(const Command& env_group, Tool& tool) {
  auto state = std::make_shared<WhyCommand>();
  const Command why = add_command(
      env_group, tool, "why",
      "Show why two environments have different keys: a line for each part that differs",
      "  rtenv env why 3c9f0d 81b2e6");
  why.add_option("FIRST", state->first, "An environment's key, or its first characters").required();
  why.add_option("SECOND", state->second, "The other one's").required();
  why.set_action([state, &tool] { return state->run(tool); });
}

}  // namespace rtenv::cli
