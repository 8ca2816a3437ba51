#include "envbuild/py_modules.hpp"

#include "base/absolute_path.hpp"
#include "base/log.hpp"
#include "base/path_kind.hpp"
#include "envbuild/fetch.hpp"
#include "envbuild/installer.hpp"
#include "envbuild/local_tree.hpp"
#include "runtime_env/env_key.hpp"
#include "runtime_env/interpreter.hpp"

namespace rtenv::envbuild {
namespace {

constexpr std::string_view k_wheel_extension = ".whl";

class Preparer {
 public:
  Preparer(const runtime_env::RuntimeEnv& runtime_env, cache::Cache& cache,
           const PrepareOptions& options)
      : runtime_env_(runtime_env), cache_(cache), options_(options) {}

  Result<LeasedPath> prepare(const std::string& entry) {
    if (remote::looks_like_uri(entry)) return from_uri(entry);
    const Path path = absolute_path(entry);
    RTENV_TRY(const PathKind kind, path_kind(path, entry));
    if (kind == PathKind::folder) return from_directory(path);
    if (path.extension() == k_wheel_extension) {
      return from_wheel(runtime_env::file_url(path));
    }
    if (path.extension() == ".py") return store_single_file(path, cache_, options_);
    return fail(Errc::invalid_argument, "{} is neither a directory, nor a .py file, nor a wheel",
                entry);
  }

 private:
  Result<LeasedPath> from_uri(const std::string& text) {
    RTENV_TRY(const auto uri, remote::Uri::parse(text));
    const FetchOptions fetch = fetch_options(runtime_env_, options_);
    if (uri.file_name().ends_with(k_wheel_extension)) {
      // With its pin, which has to be that of the bytes that are installed.
      const std::string pin = uri.sha256 ? "#sha256=" + *uri.sha256 : "";
      if (uri.scheme == remote::Scheme::file)
        return from_wheel(runtime_env::file_url(uri.path) + pin);
      RTENV_TRY(const Fetched wheel, fetch_file(uri, cache_, fetch));
      return from_wheel(runtime_env::file_url(wheel.object.path));
    }
    RTENV_TRY(auto fetched, fetch_tree(uri, cache_, fetch));
    return std::move(fetched.object);
  }

  Result<LeasedPath> from_directory(const Path& path) {
    std::error_code error;
    Path absolute = std::filesystem::canonical(path, error);
    // "module/" and "." have a name too; a symbolic link counts by its own name, not its target's.
    std::string name = path.filename().native();
    if (name.empty()) name = path.parent_path().filename().native();
    if (name == "." || name == ".." || name.empty()) name = absolute.filename().native();
    return store_directory(path, name, runtime_env_.excludes, cache_, options_);
  }

  // Cached like an environment: by the wheel's content, the installer and the interpreter.
  Result<LeasedPath> from_wheel(const std::string& requirement) {
    runtime_env::PackageList packages{
        .requirements = {requirement}, .install_options = {}, .version = {}};
    if (runtime_env_.packages) packages.installer = runtime_env_.packages->installer;
    const runtime_env::Variables variables(std::nullopt, runtime_env_.env_vars, options_.node);
    const runtime_env::FetchObject fetch;  // it isn't in a store
    runtime_env::LocalInputs local;
    const runtime_env::ResolveContext resolve{variables, fetch, local};
    RTENV_TRY(const auto phases, runtime_env::resolve_requirements(packages, resolve));
    const std::string wheel = local[0].path.filename().native();
    RTENV_TRY(const auto interpreter,
              runtime_env::find_interpreter(options_.python, options_.node,
                                            cache_.root() / "interpreters", options_.cancellation));
    RTENV_TRY(const auto settings, runtime_env::installer_settings(resolve, packages.installer,
                                                                   runtime_env_.build_env_vars));
    const runtime_env::EnvKey key =
        runtime_env::make_env_key(packages, phases, interpreter, settings, false);
    RTENV_TRY(const cache::Key tree_key, cache::Key::parse("wheel-" + key.digits));
    std::string digest;
    RTENV_TRY(
        auto lease,
        cache_.get_or_build(
            cache::Kind::tree, tree_key,
            [&](const cache::BuildContext& context) -> Result<void> {
              log::info("installing {} with {}", wheel, name(packages.installer));
              RTENV_TRY(const TempDir scratch, cache_.make_temp_dir(options_.cancellation));
              RTENV_TRY(
                  const InstallerInputs inputs,
                  prepare_inputs(packages.installer, phases, local,
                                 installer_environment(settings.environment, options_),
                                 scratch.path(), cache_, {.cancellation = options_.cancellation}));
              const Environment machine = installer_environment(options_.node, options_);
              RTENV_TRY(digest, install({.packages = packages,
                                         .inputs = inputs,
                                         .interpreter = interpreter,
                                         .machine = machine,
                                         .form = InstallForm::folder,
                                         .target = context.target,
                                         .describe = {},
                                         .scratch = scratch.path(),
                                         .sandbox = options_.sandbox,
                                         .lock_fd = context.lock_fd,
                                         .timeout = runtime_env_.setup_timeout,
                                         .cancellation = options_.cancellation,
                                         .on_output = options_.on_output},
                                        cache_));
              return {};
            },
            {.wait = {.cancellation = options_.cancellation,
                      .on_wait =
                          [&] {
                            log::info("another process is installing {}; waiting for it", wheel);
                          }},
             .use_remote_tier = true,
             .relocate = {},
             .built_digest = [&] { return digest; }}));
    return leased_path(std::move(lease));
  }

  const runtime_env::RuntimeEnv& runtime_env_;
  cache::Cache& cache_;
  const PrepareOptions& options_;
};

}  // namespace

Result<std::vector<LeasedPath>> prepare_py_modules(const runtime_env::RuntimeEnv& runtime_env,
                                                   cache::Cache& cache,
                                                   const PrepareOptions& options) {
  std::vector<LeasedPath> modules;
  Preparer preparer(runtime_env, cache, options);
  for (std::size_t i = 0; i < runtime_env.py_modules.size(); ++i) {
    auto module = preparer.prepare(runtime_env.py_modules[i]);
    if (!module) return Failure(std::move(module).error().within(fmt::format("py_modules[{}]", i)));
    modules.push_back(std::move(*module));
  }
  return modules;
}

}  // namespace rtenv::envbuild
