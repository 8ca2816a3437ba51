#include "envbuild/lock.hpp"

#include <algorithm>

#include "base/encoding.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/json_text.hpp"
#include "base/lines.hpp"
#include "envbuild/installer.hpp"
#include "envbuild/uv_program.hpp"
#include "runtime_env/requirement_line.hpp"

namespace rtenv::envbuild {
namespace {

using nlohmann::json;

constexpr std::string_view k_mark = "# rtenv-lock: ";

// What must be the same for a lock to hold; not the installer, nor its options.
json identity(const runtime_env::ResolvedPhases& phases,
              const runtime_env::Interpreter& interpreter) {
  const std::string minor = interpreter.version.substr(
      0, interpreter.version.find('.', interpreter.version.find('.') + 1));
  const json& parts = phases.front().key_parts;
  const json packages{{"requirements", parts.at("requirements")},
                      {"constraints", parts.at("constraints")}};
  return {{"packages", sha256_hex(json_text(packages))},
          {"python", minor},
          {"platform", interpreter.platform}};
}

// "lib @ file:///tmp/…/x.whl" as another machine finds it, too.
std::string portable(std::string line, const std::optional<WorkingDir>& working_dir) {
  const auto at = line.find("file://");
  if (at == std::string::npos) return line;
  const auto end = std::min(line.find(' ', at), line.size());
  const Path path = percent_decode(line.substr(at + 7, end - at - 7));
  std::error_code error;
  const Path base = working_dir ? working_dir->path : std::filesystem::current_path(error);
  const Path relative = path.lexically_relative(base);
  if (relative.empty() || *relative.begin() == "..") return line;
  const std::string name =
      working_dir
          ? fmt::format("file://${{{}}}/{}", runtime_env::k_working_dir_variable, relative.native())
          : fmt::format("./{}", relative.native());
  return line.replace(at, end - at, name);
}

}  // namespace

Result<std::string> make_lock(const EnvPlan& plan, const std::optional<WorkingDir>& working_dir,
                              cache::Cache& cache, const PrepareOptions& options) {
  if (plan.phases.size() > 1)
    return fail(Errc::invalid_argument, "a runtime_env with phases can't be locked")
        .hint(
            "what needs others to be built can't be resolved before they are there; pin its "
            "versions in the lists");
  RTENV_TRY(const TempDir scratch, cache.make_temp_dir());
  const InstallRequest request{.packages = plan.packages,
                               .phases = plan.phases,
                               .interpreter = plan.interpreter,
                               .environment = plan.installer_environment,
                               .target = {},
                               .scratch = scratch.path(),
                               .timeout = plan.timeout,
                               .cancellation = options.cancellation,
                               .show_output = options.show_output};
  InstallerRun run(request);
  share_uv_cache(run.environment(), cache);
  RTENV_TRY(const UvProgram uv, find_uv(run.environment(), cache, std::nullopt,
                                        plan.interpreter.executable, options.cancellation));
  RTENV_TRY(const auto lists, write_phases(plan.phases, scratch.path()));
  const Path output = scratch.path() / "lock";
  std::vector<std::string> compile{uv.path.native(),
                                   "pip",
                                   "compile",
                                   "--quiet",
                                   "--no-header",
                                   "--no-annotate",
                                   "--generate-hashes",
                                   "--python",
                                   plan.interpreter.executable.native(),
                                   "-o",
                                   output.native()};
  // uv's `compile` takes the lists themselves, not "-r" before them.
  for (const std::string& word : lists.front())
    if (word != "-r") compile.push_back(word);
  RTENV_TRY(run.step("uv pip compile", std::move(compile)));

  RTENV_TRY(const std::string compiled, read_file(output));
  std::string lock = fmt::format(
      "# Exact versions and hashes, made by `rtenv env lock`; for `rtenv env build "
      "--locked`.\n{}{}\n",
      k_mark, identity(plan.phases, plan.interpreter).dump());
  for (const std::string_view line : lines_of(compiled))
    lock += portable(std::string(line), working_dir) + "\n";
  return lock;
}

Result<runtime_env::Packages> locked_packages(const Path& lock,
                                              const runtime_env::Packages& packages,
                                              const runtime_env::ResolvedPhases& phases,
                                              const runtime_env::Interpreter& interpreter) {
  RTENV_TRY(const std::string text, read_file(lock));
  const auto mark = text.find(k_mark);
  const json made_for = mark == std::string::npos
                            ? json()
                            : json::parse(text.substr(mark + k_mark.size(),
                                                      text.find('\n', mark) - mark - k_mark.size()),
                                          nullptr, false);
  if (!made_for.is_object())
    return fail(Errc::invalid_argument, "{} isn't a lock", lock.native())
        .hint("rtenv env lock makes one");
  const json wanted = identity(phases, interpreter);
  for (const char* part : {"python", "platform"})
    if (made_for.value(part, "") != wanted[part])
      return fail(Errc::invalid_argument, "{} was made for {} {}, this is {}", lock.native(), part,
                  made_for.value(part, "?"), wanted[part].get<std::string>())
          .hint("rtenv env lock makes it for this one");
  if (phases.size() > 1 || made_for.value("packages", "") != wanted["packages"])
    return fail(Errc::invalid_argument, "{} was made for other packages than these", lock.native())
        .hint("rtenv env lock makes it anew");
  runtime_env::Packages locked = packages;
  locked.requirements = runtime_env::logical_lines(text);
  locked.install_options.emplace_back("--no-deps");
  return locked;
}

}  // namespace rtenv::envbuild
