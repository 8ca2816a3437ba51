#include "envbuild/installer_run.hpp"
#include "envbuild/uv_program.hpp"
#include "runtime_env/interpreter.hpp"

namespace rtenv::envbuild {
namespace {

// uv, and the lock of its cache, which must be held while it runs.
struct UvInUse {
  std::optional<LockFile> cache_lock;
  LeasedPath program;
};

// uv uses rtenv's cache in the run's environment from now on.
Result<UvInUse> uv_for(InstallerRun& run, const InstallRequest& request, cache::Cache& cache) {
  const UvInstall install{.deadline = run.deadline(),
                          .cancellation = request.cancellation,
                          .cache_use = request.cache_use};
  RTENV_TRY(auto cache_lock, share_uv_cache(run.environment(), cache, install));
  RTENV_TRY(auto program, find_uv(run.environment(), cache, request.packages.version,
                                  request.interpreter.executable, install));
  return UvInUse{std::move(cache_lock), std::move(program)};
}

}  // namespace

Result<void> remove_from_uv_cache(const std::vector<std::string>& distributions,
                                  const InstallRequest& request, cache::Cache& cache) {
  InstallerRun run(request);
  RTENV_TRY(const UvInUse uv, uv_for(run, request, cache));
  std::vector<std::string> clean{uv.program.path.native(), "cache", "clean"};
  clean.insert(clean.end(), distributions.begin(), distributions.end());
  return run.step("uv cache clean", std::move(clean));
}

Result<void> install_with_uv(const InstallRequest& request, cache::Cache& cache) {
  InstallerRun run(request);
  RTENV_TRY(const UvInUse uv, uv_for(run, request, cache));
  const Path& python = request.interpreter.executable;
  if (request.cache_use == InstallerCache::bypass) run.environment().set("UV_NO_CACHE", "1");
  const auto& lists = request.inputs.arguments;

  if (request.form == InstallForm::folder) {
    // Copies, because the files will become read-only and links would protect uv's cache too.
    std::vector<std::string> install{
        uv.program.path.native(), "pip",         "install", "--python", python.native(), "--target",
        request.target.native(),  "--link-mode", "copy"};
    install.insert(install.end(), lists.front().begin(), lists.front().end());
    return run.step("uv pip install", std::move(install));
  }
  std::vector<std::string> venv{uv.program.path.native(), "venv",     "--quiet",
                                "--no-project",           "--python", python.native()};
  if (request.inherit_site_packages) venv.emplace_back("--system-site-packages");
  venv.push_back(request.target.native());
  RTENV_TRY(run.step("uv venv", std::move(venv)));
  if (request.inherit_site_packages) RTENV_TRY(add_virtualenv_site_packages(request));
  const std::string target_python = (request.target / "bin" / "python").native();
  for (std::size_t phase = 0; phase < lists.size(); ++phase) {
    std::vector<std::string> install{uv.program.path.native(), "pip", "install", "--python",
                                     target_python};
    if (request.cache_use == InstallerCache::revalidate) install.emplace_back("--refresh");
    install.insert(install.end(), lists[phase].begin(), lists[phase].end());
    RTENV_TRY(run.step(phase_name("uv pip install", phase, lists.size()), std::move(install)));
  }
  if (request.packages.check)
    RTENV_TRY(run.step("uv pip check",
                       {uv.program.path.native(), "pip", "check", "--python", target_python}));
  return {};
}

}  // namespace rtenv::envbuild
