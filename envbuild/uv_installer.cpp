#include "envbuild/installer.hpp"
#include "envbuild/uv_program.hpp"

namespace rtenv::envbuild {

Result<void> install_with_uv(const InstallRequest& request, cache::Cache& cache) {
  InstallerRun run(request);
  // uv's own cache beside ours, on the same file system: then it links files instead of copying them.
  if (!run.environment().find_filled("UV_CACHE_DIR")) run.environment().set("UV_CACHE_DIR", (cache.root() / "uv").native());
  const Path& python = request.interpreter.executable;
  RTENV_TRY(const UvProgram uv, find_uv(run.environment(), cache, request.packages.version, python, request.cancellation));
  RTENV_TRY(const auto list, write_requirements(request.requirements, request.scratch));

  if (request.form == InstallForm::folder) {
    // Its files become read-only: they mustn't be uv's own.
    std::vector<std::string> install{
        uv.path.native(),        "pip",         "install", "--python", python.native(), "--target",
        request.target.native(), "--link-mode", "copy"};
    install.insert(install.end(), list.begin(), list.end());
    return run.step("uv pip install", std::move(install));
  }
  RTENV_TRY(run.step("uv venv", {uv.path.native(), "venv", "--quiet", "--no-project", "--python", python.native(),
                                 request.target.native()}));
  const std::string target_python = (request.target / "bin" / "python").native();
  std::vector<std::string> install{uv.path.native(), "pip", "install", "--python", target_python};
  install.insert(install.end(), list.begin(), list.end());
  const auto& options = request.requirements.install_options;
  install.insert(install.end(), options.begin(), options.end());
  RTENV_TRY(run.step("uv pip install", std::move(install)));
  if (request.packages.check)
    RTENV_TRY(run.step("uv pip check", {uv.path.native(), "pip", "check", "--python", target_python}));
  return {};
}

}  // namespace rtenv::envbuild
