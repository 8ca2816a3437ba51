#include "envbuild/lock.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <span>

#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/json_text.hpp"
#include "base/log.hpp"
#include "base/redact.hpp"
#include "envbuild/installer_run.hpp"
#include "envbuild/uv_program.hpp"
#include "runtime_env/installer_option.hpp"
#include "runtime_env/requirement_line.hpp"

namespace rtenv::envbuild {
namespace {

using nlohmann::json;

constexpr std::string_view k_header = "# rtenv-lock: ";

// The inputs that a lock is valid for. The installer and its options may differ.
json identity(const runtime_env::ResolvedPhases& phases,
              const runtime_env::Interpreter& interpreter) {
  const std::string minor = interpreter.version.substr(
      0, interpreter.version.find('.', interpreter.version.find('.') + 1));
  const json parts = json_from_text(phases.front().key_parts);
  const json packages{{"requirements", parts.at("requirements")},
                      {"constraints", parts.at("constraints")}};
  return {{"packages", sha256_hex(json_text(packages))},
          {"python", minor},
          {"platform", interpreter.platform}};
}

void replace_all(std::string& text, std::string_view old, std::string_view replacement) {
  for (auto at = text.find(old); at != std::string::npos;
       at = text.find(old, at + replacement.size()))
    text.replace(at, old.size(), replacement);
}

// Names the original of each input instead of its copy; in the working directory, or else in the
// current folder, so that it is valid on other machines.
std::string with_originals(std::string text, const runtime_env::LocalInputs& inputs,
                           const std::vector<Path>& copies,
                           const std::optional<LeasedPath>& working_dir, const Path& folder) {
  std::error_code error;
  const Path base = working_dir      ? working_dir->path
                    : folder.empty() ? std::filesystem::current_path(error)
                                     : folder;
  for (std::size_t i = 0; i < copies.size(); ++i) {
    const Path& original = inputs[i].path;
    const Path relative = original.lexically_relative(base);
    std::string path = original.native();
    std::string url = runtime_env::file_url(original);
    if (!relative.empty() && *relative.begin() != "..") {
      path = working_dir
                 ? fmt::format("${{{}}}/{}", runtime_env::k_working_dir_variable, relative.native())
                 : fmt::format("./{}", relative.native());
      url = working_dir ? "file://" + path : path;
    }
    replace_all(text, runtime_env::file_url(copies[i]), url);
    replace_all(text, copies[i].native(), path);
  }
  return text;
}

struct VariablePair {
  const char* pip;
  const char* uv;
};
constexpr std::array<VariablePair, 4> k_variables{{{"PIP_INDEX_URL", "UV_INDEX_URL"},
                                                   {"PIP_EXTRA_INDEX_URL", "UV_EXTRA_INDEX_URL"},
                                                   {"PIP_CONSTRAINT", "UV_CONSTRAINT"},
                                                   {"PIP_NO_INDEX", "UV_NO_INDEX"}}};

// uv resolves for pip, too. It must ask the same indexes: another one may have another package of
// that name.
Result<Environment> uv_environment(const EnvPlan& plan) {
  Environment environment = plan.installer_environment;
  if (plan.packages.installer == runtime_env::InstallerKind::uv) return environment;
  if (json_from_text(plan.key.parts).at("settings").contains("files"))
    return fail(Errc::invalid_argument, "a lock can't be made with the settings of a pip.conf")
        .hint(
            "set PIP_CONFIG_FILE=/dev/null, so that pip reads none, and PIP_INDEX_URL if it names "
            "an index");
  for (const auto& [pip, uv] : k_variables)
    if (const auto value = environment.find_filled(pip)) environment.set(uv, std::string(*value));
  if (const auto folders = environment.find_filled("PIP_FIND_LINKS")) {
    std::string list(*folders);
    std::ranges::replace(list, ' ', ',');
    environment.set("UV_FIND_LINKS", std::move(list));
  }
  return environment;
}

// Without what only says how pip runs here.
std::vector<std::string> uv_arguments(std::span<const std::string> arguments) {
  std::vector<std::string> result;
  while (!arguments.empty()) {
    const auto option = runtime_env::read_option(arguments);
    if (option.use != runtime_env::OptionUse::how_it_runs &&
        option.use != runtime_env::OptionUse::servers)
      for (const std::string& word : arguments.first(option.words))
        // `uv pip compile` expects the files without "-r".
        if (word != "-r") result.push_back(word);
    arguments = arguments.subspan(option.words);
  }
  return result;
}

}  // namespace

Result<std::string> make_lock(const EnvPlan& plan, const std::optional<LeasedPath>& working_dir,
                              cache::Cache& cache, const PrepareOptions& options) {
  if (plan.phases.size() > 1)
    return fail(Errc::invalid_argument, "a runtime_env with phases can't be locked")
        .hint(
            "the build of a later phase's packages needs earlier ones installed, so they can't be "
            "resolved in advance; pin their versions in the phases");
  RTENV_TRY(const TempDir scratch, cache.make_temp_dir());
  RTENV_TRY(const Environment environment, uv_environment(plan));
  RTENV_TRY(const InstallerInputs inputs,
            prepare_inputs(runtime_env::InstallerKind::uv, plan.phases, plan.inputs, environment,
                           scratch.path(), cache, {.cancellation = options.cancellation}));
  const Environment machine = installer_environment(options.node, options);
  const InstallRequest request{.packages = plan.packages,
                               .inputs = inputs,
                               .interpreter = plan.interpreter,
                               .machine = machine,
                               .target = {},
                               .scratch = scratch.path(),
                               .timeout = plan.timeout,
                               .cancellation = options.cancellation,
                               .on_output = options.on_output};
  InstallerRun run(request, cache);
  const UvInstall limits{
      .machine = machine, .deadline = run.deadline(), .cancellation = options.cancellation};
  RTENV_TRY(const auto uv_cache_lock, share_uv_cache(run.environment(), cache, limits));
  RTENV_TRY(const LeasedPath uv,
            find_uv(run.environment(), cache, std::nullopt, plan.interpreter.executable, limits));
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
  for (std::string& word : uv_arguments(inputs.arguments.front()))
    compile.push_back(std::move(word));
  RTENV_TRY(run.step("uv pip compile", std::move(compile)));

  RTENV_TRY(const std::string compiled, read_file(output));
  const std::string written = without_credentials(compiled);
  if (written != compiled)
    log::warn("the lock has no passwords: put those of its URLs into ~/.netrc");
  return fmt::format(
      "# Exact versions and hashes, made by `rtenv env lock`; for `rtenv env build "
      "--locked`.\n{}{}\n{}",
      k_header, identity(plan.phases, plan.interpreter).dump(),
      with_originals(written, plan.inputs, inputs.copies, working_dir, plan.base));
}

Result<runtime_env::PackageList> locked_packages(const Path& lock,
                                                 const runtime_env::PackageList& packages,
                                                 const runtime_env::ResolvedPhases& phases,
                                                 const runtime_env::Interpreter& interpreter) {
  auto content = read_file(lock);
  if (!content) return Failure(std::move(content).error().within("the lock"));
  const std::string text = std::move(*content);
  const auto header = text.find(k_header);
  const json made_for =
      header == std::string::npos
          ? json()
          : json::parse(text.substr(header + k_header.size(),
                                    text.find('\n', header) - header - k_header.size()),
                        nullptr, false);
  if (!made_for.is_object())
    return fail(Errc::invalid_argument, "{} isn't a lock file", lock.native())
        .hint("create one with `rtenv env lock`");
  const json expected = identity(phases, interpreter);
  for (const char* part : {"python", "platform"})
    if (made_for.value(part, "") != expected[part])
      return fail(Errc::invalid_argument, "{} is valid for {} {}, this is {}", lock.native(), part,
                  made_for.value(part, "?"), expected[part].get<std::string>())
          .hint("create one for this {} with `rtenv env lock`", part);
  if (phases.size() > 1 || made_for.value("packages", "") != expected["packages"])
    return fail(Errc::invalid_argument, "{} is valid for other packages", lock.native())
        .hint("create it again with `rtenv env lock`");
  runtime_env::PackageList locked = packages;
  locked.requirements = runtime_env::logical_lines(text);
  locked.install_options.emplace_back("--no-deps");
  return locked;
}

}  // namespace rtenv::envbuild
