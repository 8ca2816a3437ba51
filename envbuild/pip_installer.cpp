#include "base/file.hpp"
#include "envbuild/installer.hpp"

namespace rtenv::envbuild {
namespace {

// virtualenv as in Ray; the standard library's venv where it isn't installed.
Result<void> make_virtualenv(const InstallRequest& request, InstallerRun& run) {
  const std::string python = request.interpreter.executable.native();
  std::vector<std::string> virtualenv{
      python, "-m", "virtualenv", "--quiet", "--no-download", "--no-periodic-update"};
  std::vector<std::string> venv{python, "-m", "venv"};
  for (auto* command : {&virtualenv, &venv}) {
    if (request.inherit_site_packages) command->emplace_back("--system-site-packages");
    command->push_back(request.target.native());
  }
  auto made = run.step("virtualenv", std::move(virtualenv));
  if (made || made.error().message().find("No module named virtualenv") == std::string::npos)
    return made;
  made = run.step("venv", std::move(venv));
  if (made || made.error().code() == Errc::cancelled) return made;
  return Failure(std::move(made).error().with_hint(
      "install virtualenv for this Python (Debian: apt-get install python3-virtualenv)"));
}

}  // namespace

Result<void> install_with_pip(const InstallRequest& request) {
  InstallerRun run(request);
  RTENV_TRY(const auto lists, write_phases(request.phases, request.scratch));
  if (request.form == InstallForm::folder) {
    std::vector<std::string> install{request.interpreter.executable.native(),
                                     "-m",
                                     "pip",
                                     "install",
                                     "--disable-pip-version-check",
                                     "--target",
                                     request.target.native()};
    install.insert(install.end(), lists.front().begin(), lists.front().end());
    return run.step("pip install", std::move(install));
  }
  RTENV_TRY(make_virtualenv(request, run));
  if (request.inherit_site_packages) RTENV_TRY(show_site_packages(request));
  const std::string python = (request.target / "bin" / "python").native();
  if (request.packages.version)
    RTENV_TRY(
        run.step("pip install pip", {python, "-m", "pip", "install", "--disable-pip-version-check",
                                     "pip" + *request.packages.version}));
  for (std::size_t phase = 0; phase < lists.size(); ++phase) {
    std::vector<std::string> install{python, "-m", "pip", "install"};
    install.insert(install.end(), lists[phase].begin(), lists[phase].end());
    const auto& options = request.phases[phase].install_options;
    install.insert(install.end(), options.begin(), options.end());
    RTENV_TRY(run.step(phase_name("pip install", phase, lists.size()), std::move(install)));
  }
  if (request.packages.check) RTENV_TRY(run.step("pip check", {python, "-m", "pip", "check"}));
  return {};
}

}  // namespace rtenv::envbuild
