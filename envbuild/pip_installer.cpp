#include "envbuild/installer_run.hpp"
#include "envbuild/pip_configuration.hpp"
#include "runtime_env/interpreter.hpp"

namespace rtenv::envbuild {
namespace {

// Uses virtualenv, as Ray does, or the standard library's venv if virtualenv isn't installed.
Result<void> create_virtualenv(const InstallRequest& request, InstallerRun& run) {
  const std::string python = request.interpreter.executable.native();
  std::vector<std::string> virtualenv{
      python, "-m", "virtualenv", "--quiet", "--no-download", "--no-periodic-update"};
  std::vector<std::string> venv{python, "-m", "venv"};
  for (auto* command : {&virtualenv, &venv}) {
    if (request.inherit_site_packages) command->emplace_back("--system-site-packages");
    command->push_back(request.target.native());
  }
  auto created = run.step("virtualenv", std::move(virtualenv));
  if (created || created.error().message().find("No module named virtualenv") == std::string::npos)
    return created;
  created = run.step("venv", std::move(venv));
  if (created || created.error().code() != Errc::installer_failed) return created;
  return Failure(std::move(created).error().with_hint(
      "install virtualenv for this Python (Debian: apt-get install python3-virtualenv)"));
}

}  // namespace

Result<TreeItems> install_with_pip(const InstallRequest& request, cache::Cache& cache) {
  InstallerRun run(request, cache);
  run.environment().set("PIP_NO_INPUT", "1");  // a question would end in a traceback
  if (request.cache_use == InstallerCache::bypass) run.environment().set("PIP_NO_CACHE_DIR", "1");
  const auto& lists = request.inputs.arguments;
  if (request.form == InstallForm::folder) {
    RTENV_TRY(hide_configured_passwords(run, request.interpreter.executable, request.scratch));
    std::vector<std::string> install{request.interpreter.executable.native(),
                                     "-m",
                                     "pip",
                                     "install",
                                     "--disable-pip-version-check",
                                     "--target",
                                     request.target.native()};
    install.insert(install.end(), lists.front().begin(), lists.front().end());
    RTENV_TRY(run.step("pip install", std::move(install)));
    return TreeItems();
  }
  RTENV_TRY(create_virtualenv(request, run));
  if (request.inherit_site_packages) RTENV_TRY(add_virtualenv_site_packages(request));
  RTENV_TRY(TreeItems virtualenv, content_of(request.target));
  const std::string python = (request.target / "bin" / "python").native();
  RTENV_TRY(hide_configured_passwords(run, python, request.scratch));
  if (request.packages.version)
    RTENV_TRY(
        run.step("pip install pip", {python, "-m", "pip", "install", "--disable-pip-version-check",
                                     "pip" + *request.packages.version}));
  for (std::size_t phase = 0; phase < lists.size(); ++phase) {
    std::vector<std::string> install{python, "-m", "pip", "install"};
    install.insert(install.end(), lists[phase].begin(), lists[phase].end());
    RTENV_TRY(run.step(phase_name("pip install", phase, lists.size()), std::move(install)));
  }
  if (request.packages.check) RTENV_TRY(run.step("pip check", {python, "-m", "pip", "check"}));
  return virtualenv;
}

}  // namespace rtenv::envbuild
