#include "base/parallel.hpp"
#include "cli/byte_size.hpp"
#include "cli/env_plan.hpp"
#include "cli/store_options.hpp"
#include "envbuild/env_transfer.hpp"

namespace rtenv::cli {
namespace {

struct EnvPackCommand {
  JobInputs inputs;
  std::string output;
  std::string where;  // a URI; of `pull` also a file

  [[nodiscard]] Result<int> pack(const Tool& tool) const;
  [[nodiscard]] Result<int> push(const Tool& tool) const;
  [[nodiscard]] Result<int> pull(const Tool& tool) const;

 private:
  [[nodiscard]] Result<envbuild::VirtualEnv> build(const Tool& tool, ProgressLine& progress) const;
  [[nodiscard]] Result<std::string> place(const Tool& tool) const;
};

envbuild::TransferOptions transfer_options(const Tool& tool, ProgressLine& progress) {
  return {.store = store_options(tool),
          .on_progress = progress.callback(),
          .threads = default_threads(),
          .cancellation = tool.cancellation};
}

nlohmann::json written_json(const envbuild::WrittenArchive& written) {
  return {{"size_bytes", written.size_bytes}, {"sha256", written.sha256}};
}

Result<envbuild::VirtualEnv> EnvPackCommand::build(const Tool& tool, ProgressLine& progress) const {
  const auto options = inputs.prepare_options(tool, progress);
  RTENV_TRY(EnvInputs planned, plan_inputs(inputs, options, tool));
  if (!planned.env) return fail_no_packages();
  RTENV_TRY(auto env, envbuild::prepare_env(*planned.env, planned.cache, options));
  progress.clear();
  return env;
}

// Where nothing is said, the remote tier.
Result<std::string> EnvPackCommand::place(const Tool& tool) const {
  if (!where.empty()) return where;
  if (const auto tier = tool.environment.find_filled("RTENV_REMOTE_CACHE"))
    return std::string(*tier);
  return fail(Errc::invalid_argument, "no URI is given")
      .hint("name one, or set RTENV_REMOTE_CACHE");
}

Result<int> EnvPackCommand::pack(const Tool& tool) const {
  ProgressLine progress(tool);
  RTENV_TRY(const auto env, build(tool, progress));
  Path file = output.empty() ? Path(envbuild::env_archive_name(env.lease.key())) : Path(output);
  std::error_code error;
  if (std::filesystem::is_directory(file, error))
    file /= envbuild::env_archive_name(env.lease.key());
  RTENV_TRY(const auto written,
            envbuild::write_env_archive(env.lease, file, transfer_options(tool, progress)));
  progress.clear();
  if (tool.json) {
    nlohmann::json object = written_json(written);
    object["key"] = env.lease.key();
    object["path"] = file.native();
    Tool::print_json(object);
  } else {
    Tool::print_line(file.native());
    log::info("{}, sha256 {}", format_byte_size(written.size_bytes), written.sha256);
  }
  return 0;
}

Result<int> EnvPackCommand::push(const Tool& tool) const {
  RTENV_TRY(const std::string uri, place(tool));
  RTENV_TRY(const auto parsed, remote::Uri::parse(uri));
  ProgressLine progress(tool);
  RTENV_TRY(const auto env, build(tool, progress));
  RTENV_TRY(const auto pushed,
            envbuild::push_env(env.lease, parsed, transfer_options(tool, progress)));
  progress.clear();
  if (!pushed.uploaded) log::info("{} is there already", pushed.uri.shown());
  if (tool.json) {
    nlohmann::json object =
        pushed.written ? written_json(*pushed.written) : nlohmann::json::object();
    object["key"] = env.lease.key();
    object["uri"] = pushed.uri.shown();
    object["uploaded"] = pushed.uploaded;
    Tool::print_json(object);
  } else {
    Tool::print_line(pushed.uri.shown());
    if (pushed.written) log::info("sha256 {}", pushed.written->sha256);
  }
  return 0;
}

Result<int> EnvPackCommand::pull(const Tool& tool) const {
  RTENV_TRY(const std::string source, place(tool));
  ProgressLine progress(tool);
  const auto options = transfer_options(tool, progress);
  const bool is_pack =
      source.ends_with(".tar.zst") || source.find(".tar.zst#") != std::string::npos;
  const auto take_over = [&]() -> Result<envbuild::VirtualEnv> {
    if (!is_pack) {
      // By the key of what is asked for.
      RTENV_TRY(const auto uri, remote::Uri::parse(source));
      RTENV_TRY(EnvInputs planned,
                plan_inputs(inputs, inputs.prepare_options(tool, progress), tool));
      if (!planned.env)
        return fail_no_packages().hint(
            "name a pack, or give the runtime_env whose environment is wanted: -f");
      return envbuild::pull_env_by_key(uri, planned.env->key, planned.cache,
                                       planned.env->interpreter, options);
    }
    RTENV_TRY(auto cache, tool.open_cache());
    RTENV_TRY(const auto interpreter, inputs.interpreter(tool, cache));
    if (!remote::looks_like_uri(source))
      return envbuild::import_env(source, cache, interpreter, options);
    RTENV_TRY(const auto uri, remote::Uri::parse(source));
    return envbuild::pull_env(uri, cache, interpreter, options);
  };
  RTENV_TRY(const auto env, take_over());
  progress.clear();
  if (tool.json)
    Tool::print_json({{"key", env.lease.key()},
                      {"path", env.path().native()},
                      {"origin", envbuild::name(env.origin)}});
  else
    Tool::print_line(env.path().native());
  return 0;
}

}  // namespace

void register_env_pack(CLI::App& group, Tool& tool) {
  auto state = std::make_shared<EnvPackCommand>();
  CLI::App* pack =
      add_command(group, tool, "pack",
                  "Write the environment, built where it isn't there, into one relocatable file",
                  "  rtenv env pack -f runtime_env.yaml --working-dir . -o env.tar.zst");
  state->inputs.declare(*pack);
  pack->add_option("-o,--output", state->output, "The file, or a folder [./KEY.tar.zst]")
      ->type_name("FILE");
  pack->callback([state, &tool] { tool.command = [state, &tool] { return state->pack(tool); }; });

  CLI::App* push = add_command(
      group, tool, "push", "Send the environment, built where it isn't there, to a store",
      "  rtenv env push -f runtime_env.yaml --working-dir . s3://bucket/prefix/\n"
      "  rtenv env push -f runtime_env.yaml --working-dir . s3://bucket/my_env.tar.zst");
  state->inputs.declare(*push);
  push->add_option(
      "URI", state->where,
      "A prefix, where RTENV_REMOTE_CACHE finds it by its key, or a name that ends with .tar.zst "
      "[RTENV_REMOTE_CACHE]");
  push->callback([state, &tool] { tool.command = [state, &tool] { return state->push(tool); }; });

  CLI::App* pull =
      add_command(group, tool, "pull",
                  "Take an environment over into the cache, without building, and print its path",
                  "  rtenv env pull s3://bucket/my_env.tar.zst#sha256=9f86d081…\n"
                  "  rtenv env pull -f runtime_env.yaml --working-dir . s3://bucket/prefix/");
  state->inputs.declare(*pull);
  pull->add_option(
      "SRC", state->where,
      "A pack: a file or a URI; or a prefix, in which the runtime_env's environment is looked for "
      "[RTENV_REMOTE_CACHE]");
  pull->callback([state, &tool] { tool.command = [state, &tool] { return state->pull(tool); }; });
}

}  // namespace rtenv::cli
