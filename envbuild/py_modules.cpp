#include "envbuild/py_modules.hpp"

#include "base/log.hpp"
#include "envbuild/installer.hpp"
#include "envbuild/local_tree.hpp"
#include "runtime_env/env_key.hpp"

namespace rtenv::envbuild {
namespace {

constexpr std::string_view k_wheel_extension = ".whl";

class Preparer {
 public:
  Preparer(const runtime_env::RuntimeEnv& runtime_env, cache::Cache& cache,
           const PrepareOptions& options)
      : runtime_env_(runtime_env), cache_(cache), options_(options) {}

  Result<PyModule> prepare(const std::string& entry) {
    if (remote::looks_like_uri(entry)) return from_uri(entry);
    const Path path = Path(entry).lexically_normal();
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (!std::filesystem::exists(status)) return fail(Errc::not_found, "{} doesn't exist", entry);
    if (std::filesystem::is_directory(status)) return from_directory(path);
    if (path.extension() == k_wheel_extension) return from_wheel(path);
    if (path.extension() == ".py") return held(keep_single_file(path, cache_, options_));
    return fail(Errc::invalid_argument, "{} is neither a directory, nor a .py file, nor a wheel",
                entry);
  }

 private:
  static Result<PyModule> held(Result<cache::Lease> lease) {
    if (!lease) return Failure(std::move(lease).error());
    Path folder = lease->path();
    return PyModule{.folder = std::move(folder), .lease = std::move(*lease)};
  }

  Result<PyModule> from_uri(const std::string& text) {
    RTENV_TRY(const auto uri, remote::Uri::parse(text));
    const FetchOptions fetch = fetch_options(runtime_env_, options_);
    if (uri.file_name().ends_with(k_wheel_extension)) {
      RTENV_TRY(const Fetched wheel, fetch_file(uri, cache_, fetch));
      return from_wheel(wheel.path);
    }
    RTENV_TRY(auto fetched, fetch_tree(uri, cache_, fetch));
    return PyModule{.folder = std::move(fetched.path), .lease = std::move(fetched.lease)};
  }

  Result<PyModule> from_directory(const Path& path) {
    std::error_code error;
    Path absolute = std::filesystem::canonical(path, error);
    // "module/" and "." have a name, too; a link's own is meant.
    std::string name = path.filename().native();
    if (name.empty()) name = path.parent_path().filename().native();
    if (name == "." || name == ".." || name.empty()) name = absolute.filename().native();
    return held(store_directory(path, name, runtime_env_.excludes, cache_, options_));
  }

  // As an environment is: its key is that of its content, its installer and its interpreter.
  Result<PyModule> from_wheel(const Path& wheel) {
    runtime_env::Packages packages{.requirements = {std::filesystem::absolute(wheel).native()},
                                   .install_options = {},
                                   .version = {}};
    if (runtime_env_.packages) packages.installer = runtime_env_.packages->installer;
    const runtime_env::Variables variables(std::nullopt, runtime_env_.env_vars, options_.node);
    RTENV_TRY(const auto phases, runtime_env::resolve_requirements(packages, variables, {}));
    RTENV_TRY(const auto interpreter,
              runtime_env::find_interpreter(options_.python, options_.node,
                                            cache_.root() / "interpreters"));
    const Environment environment = installer_environment(variables);
    const runtime_env::EnvKey key =
        runtime_env::make_env_key(packages, phases, interpreter, environment, false);
    return held(cache_.get_or_make(
        cache::Kind::tree, "wheel-" + key.digits,
        [&](const cache::MakeContext& context) -> Result<void> {
          log::info("installing {} with {}", wheel.filename().native(), name(packages.installer));
          RTENV_TRY(const TempDir scratch, cache_.make_temp_dir());
          return install({.packages = packages,
                          .phases = phases,
                          .interpreter = interpreter,
                          .environment = environment,
                          .form = InstallForm::folder,
                          .target = context.target,
                          .scratch = scratch.path(),
                          .lock_fd = context.lock_fd,
                          .timeout = runtime_env_.setup_timeout,
                          .cancellation = options_.cancellation,
                          .show_output = options_.show_output},
                         cache_);
        },
        {.wait = {.cancellation = options_.cancellation,
                  .on_wait =
                      [&] {
                        log::info("another process is installing {}; waiting for it",
                                  wheel.filename().native());
                      }},
         .use_remote_tier = true,
         .relocate = {}}));
  }

  const runtime_env::RuntimeEnv& runtime_env_;
  cache::Cache& cache_;
  const PrepareOptions& options_;
};

}  // namespace

Result<std::vector<PyModule>> prepare_py_modules(const runtime_env::RuntimeEnv& runtime_env,
                                                 cache::Cache& cache,
                                                 const PrepareOptions& options) {
  std::vector<PyModule> modules;
  Preparer preparer(runtime_env, cache, options);
  for (std::size_t i = 0; i < runtime_env.py_modules.size(); ++i) {
    auto module = preparer.prepare(runtime_env.py_modules[i]);
    if (!module) return Failure(std::move(module).error().within(fmt::format("py_modules[{}]", i)));
    modules.push_back(std::move(*module));
  }
  return modules;
}

}  // namespace rtenv::envbuild
