#include <nlohmann/json.hpp>

#include "base/byte_size.hpp"
#include "base/processors.hpp"
#include "cli/commands.hpp"
#include "cli/env_plan.hpp"
#include "cli/store_options.hpp"
#include "envbuild/env_transfer.hpp"

namespace rtenv::cli {
namespace {

struct EnvPackCommand {
  JobInputs inputs;
  std::string output;
  std::string location;  // a URI; of `pull` also a file

  [[nodiscard]] Result<int> pack(const Tool& tool) const;
  [[nodiscard]] Result<int> push(const Tool& tool) const;
  [[nodiscard]] Result<int> pull(const Tool& tool) const;

 private:
  [[nodiscard]] Result<envbuild::VirtualEnv> build(const Tool& tool, ProgressLine& progress) const;
  [[nodiscard]] Result<std::string> location_or_tier(const Tool& tool) const;
};

envbuild::TransferOptions transfer_options(const Tool& tool, ProgressLine& progress) {
  return {.store = store_options(tool),
          .on_progress = progress.callback(),
          .threads = default_threads(),
          .cancellation = tool.cancellation};
}

nlohmann::json to_json(const envbuild::WrittenArchive& written) {
  return {{"size_bytes", written.size_bytes}, {"sha256", written.sha256}};
}

Result<envbuild::VirtualEnv> EnvPackCommand::build(const Tool& tool, ProgressLine& progress) const {
  RTENV_TRY(const auto options, inputs.prepare_options(tool, progress));
  RTENV_TRY(EnvInputs planned, plan_inputs(inputs, options, tool));
  if (!planned.env) return fail_no_packages();
  RTENV_TRY(auto env, envbuild::prepare_env(*planned.env, planned.cache, options));
  progress.clear();
  return env;
}

// The remote tier, if no location was given.
Result<std::string> EnvPackCommand::location_or_tier(const Tool& tool) const {
  if (!location.empty()) return location;
  if (const auto tier = tool.environment.find_filled("RTENV_REMOTE_CACHE"))
    return std::string(*tier);
  return fail(Errc::invalid_argument, "no URI was given")
      .hint("give one, or set RTENV_REMOTE_CACHE");
}

Result<int> EnvPackCommand::pack(const Tool& tool) const {
  ProgressLine progress(tool);
  RTENV_TRY(const auto env, build(tool, progress));
  Path file = output.empty() ? Path(envbuild::env_archive_name(env.lease)) : Path(output);
  std::error_code error;
  if (std::filesystem::is_directory(file, error)) file /= envbuild::env_archive_name(env.lease);
  RTENV_TRY(const auto written,
            envbuild::write_env_archive(env.lease, file, transfer_options(tool, progress)));
  progress.clear();
  nlohmann::json object = to_json(written);
  object["key"] = envbuild::portable_key(env.lease).text();
  object["path"] = file.native();
  tool.output.print(object, [&] {
    print_line(file.native());
    log::info("{}, sha256 {}", format_byte_size(written.size_bytes), written.sha256);
  });
  return 0;
}

Result<int> EnvPackCommand::push(const Tool& tool) const {
  RTENV_TRY(const std::string uri, location_or_tier(tool));
  RTENV_TRY(const auto parsed, remote::Uri::parse(uri));
  ProgressLine progress(tool);
  RTENV_TRY(const auto env, build(tool, progress));
  RTENV_TRY(const auto pushed,
            envbuild::push_env(env.lease, parsed, transfer_options(tool, progress)));
  progress.clear();
  if (!pushed.uploaded) log::info("{} already exists", pushed.uri.shown());
  nlohmann::json object = pushed.written ? to_json(*pushed.written) : nlohmann::json::object();
  object["key"] = envbuild::portable_key(env.lease).text();
  object["uri"] = pushed.uri.shown();
  object["uploaded"] = pushed.uploaded;
  tool.output.print(object, [&] {
    print_line(pushed.uri.shown());
    if (pushed.written) log::info("sha256 {}", pushed.written->sha256);
  });
  return 0;
}

Result<int> EnvPackCommand::pull(const Tool& tool) const {
  RTENV_TRY(const std::string source, location_or_tier(tool));
  ProgressLine progress(tool);
  const auto options = transfer_options(tool, progress);
  const bool is_archive =
      source.ends_with(".tar.zst") || source.find(".tar.zst#") != std::string::npos;
  std::string shown = source;
  if (remote::looks_like_uri(source)) {
    RTENV_TRY(const auto uri, remote::Uri::parse(source));
    shown = uri.shown();
  }
  RTENV_TRY(
      inputs.limited.check(is_archive ? InputKind::env_archive : InputKind::env_prefix, shown));
  const auto import_to_cache = [&]() -> Result<envbuild::VirtualEnv> {
    if (!is_archive) {
      // Looked up by the key of the runtime_env's environment.
      RTENV_TRY(const auto uri, remote::Uri::parse(source));
      RTENV_TRY(const auto prepare, inputs.prepare_options(tool, progress));
      RTENV_TRY(EnvInputs planned, plan_inputs(inputs, prepare, tool));
      if (!planned.env)
        return fail_no_packages().hint(
            "give the location of an archive, or the runtime_env to look for: -f");
      return envbuild::pull_env_by_key(uri, planned.env->key, planned.cache,
                                       planned.env->interpreter, options);
    }
    RTENV_TRY(auto cache, tool.open_layer_cache());
    RTENV_TRY(const auto interpreter, inputs.interpreter(tool, cache));
    if (!remote::looks_like_uri(source))
      return envbuild::import_env(source, cache, interpreter, options);
    RTENV_TRY(const auto uri, remote::Uri::parse(source));
    return envbuild::pull_env(uri, cache, interpreter, options);
  };
  RTENV_TRY(const auto env, import_to_cache());
  progress.clear();
  tool.output.print({{"key", env.lease.key().text()},
                     {"path", env.path().native()},
                     {"origin", envbuild::name(env.origin)}},
                    env.path().native());
  return 0;
}

}  // namespace

void register_env_pack(const Command& env_group, Tool& tool) {
  auto state = std::make_shared<EnvPackCommand>();
  const Command pack = add_command(
      env_group, tool, "pack",
      "Write the environment into one relocatable file; it is built if the cache doesn't have it",
      "  rtenv env pack -f runtime_env.yaml --working-dir . -o env.tar.zst");
  state->inputs.declare(pack);
  pack.add_option("-o,--output", state->output, "The file, or a folder [./KEY.tar.zst]")
      .value_name("FILE");
  pack.set_action([state, &tool] { return state->pack(tool); });

  const Command push = add_command(
      env_group, tool, "push",
      "Upload the environment to a store; it is built if the cache doesn't have it",
      "  rtenv env push -f runtime_env.yaml --working-dir . s3://bucket/prefix/\n"
      "  rtenv env push -f runtime_env.yaml --working-dir . s3://bucket/my_env.tar.zst");
  state->inputs.declare(push);
  push.add_option(
      "URI", state->location,
      "A prefix, for use as RTENV_REMOTE_CACHE, which finds the environment by its key; "
      "or a name that ends with .tar.zst [RTENV_REMOTE_CACHE]");
  push.set_action([state, &tool] { return state->push(tool); });

  const Command pull = add_command(
      env_group, tool, "pull", "Import an environment into the cache and print its path",
      "  rtenv env pull s3://bucket/my_env.tar.zst#sha256=9f86d081…\n"
      "  rtenv env pull -f runtime_env.yaml --working-dir . s3://bucket/prefix/");
  state->inputs.declare(pull);
  pull.add_option("SRC", state->location,
                  "A file or URI that ends with .tar.zst; or a prefix, where the runtime_env's "
                  "environment is looked up by its key [RTENV_REMOTE_CACHE]");
  pull.set_action([state, &tool] { return state->pull(tool); });
}

}  // namespace rtenv::cli
