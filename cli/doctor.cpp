#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/byte_size.hpp"
#include "base/file_system.hpp"
#include "base/process.hpp"
#include "base/program.hpp"
#include "cache/cache.hpp"
#include "cli/commands.hpp"
#include "cli/tool.hpp"
#include "envbuild/uv_program.hpp"
#include "job/directory_policy.hpp"
#include "job/job_copy.hpp"
#include "remote/credential_sources.hpp"
#include "runtime_env/interpreter.hpp"

namespace rtenv::cli {
namespace {

constexpr std::uint64_t k_little_space_bytes = 1ULL << 30U;

enum class Level { ok, warning, problem };

struct Finding {
  std::string subject;
  Level level;
  std::string text;
};

const char* name(Level level) {
  switch (level) {
    case Level::ok: return "ok";
    case Level::warning: return "warning";
    default: return "problem";
  }
}

Finding check_python(const Tool& tool, const Path& interpreters_folder) {
  const auto python =
      runtime_env::find_interpreter(std::nullopt, tool.environment, interpreters_folder);
  if (!python) return {"python", Level::problem, python.error().message()};
  return {"python", Level::ok,
          fmt::format("{} {} ({})", python->implementation, python->version,
                      python->executable.native())};
}

Finding check_uv(const Tool& tool) {
  const auto configured = tool.environment.find_filled("RTENV_UV");
  const auto program = find_program(configured.value_or("uv"), tool.environment);
  if (!program) {
    if (configured) return {"uv", Level::problem, "RTENV_UV: " + program.error().message()};
    return {"uv", Level::ok,
            fmt::format("not in PATH; version {} is downloaded when it is needed",
                        envbuild::pinned_uv_version())};
  }
  const auto answer =
      run_captured({.argv = {program->native(), "--version"}, .environment = tool.environment});
  if (!answer || !answer->state.succeeded())
    return {"uv", Level::problem, program->native() + " doesn't start"};
  return {"uv", Level::ok,
          fmt::format("{} ({})", answer->output.substr(0, answer->output.find('\n')),
                      program->native())};
}

Finding check_cache(const Result<cache::Cache>& cache) {
  if (!cache) return {"cache", Level::problem, cache.error().message()};
  return {"cache", Level::ok, cache->root().native()};
}

Finding check_job_directory(const Tool& tool, cache::Cache& cache) {
  const auto policy = job::choose_directory_policy(tool.environment, cache);
  if (!policy) return {"job directory", Level::problem, policy.error().message()};
  if (policy->mode == job::DirectoryMode::overlay)
    return {"job directory", Level::ok, "an overlay: " + policy->reason};
  const auto recycles = job::JobCopy::is_supported(cache);
  return {"job directory", Level::ok,
          fmt::format("a copy{}: {}",
                      recycles && *recycles
                          ? ", used again by the next job"
                          : " for each job, as this file system may not report every change",
                      policy->reason)};
}

Finding check_space(const Path& root) {
  const auto free_bytes = free_space_bytes(root);
  if (!free_bytes) return {"disk", Level::problem, free_bytes.error().message()};
  return {"disk", *free_bytes < k_little_space_bytes ? Level::warning : Level::ok,
          format_byte_size(*free_bytes) + " free for the cache"};
}

Result<int> run(const Tool& tool) {
  RTENV_TRY(const Path root, tool.cache_root());
  auto cache = tool.open_layer_cache();
  std::vector<Finding> findings{check_python(tool, root / "interpreters"), check_uv(tool),
                                check_cache(cache)};
  if (cache) {
    findings.push_back(check_space(root));
    findings.push_back(check_job_directory(tool, *cache));
  }
  for (const auto& source : remote::find_credential_sources(tool.environment))
    findings.push_back({fmt::format("{} credentials", source.store),
                        source.incomplete ? Level::warning : Level::ok, source.where});
  nlohmann::json object = nlohmann::json::object();
  for (const Finding& finding : findings)
    object[finding.subject] = {{"level", name(finding.level)}, {"text", finding.text}};
  tool.output.print(object, [&] {
    for (const auto& [subject, level, text] : findings)
      print_line(fmt::format("{:<8} {:<18} {}", name(level), subject, text));
  });
  const auto is_problem = [](const Finding& finding) { return finding.level == Level::problem; };
  return std::ranges::any_of(findings, is_problem) ? 1 : 0;
}

}  // namespace

void register_doctor(const Command& root, Tool& tool) {
  const Command command =
      add_command(root, tool, "doctor",
                  "Check what rtenv needs on this machine, and which credentials "
                  "it finds (exit 1: something is missing)",
                  "  rtenv doctor");
  command.set_action([&tool] { return run(tool); });
}

}  // namespace rtenv::cli
