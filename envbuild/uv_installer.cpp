#include <algorithm>

#include "base/file.hpp"
#include "base/folder_entries.hpp"
#include "cache/kind.hpp"
#include "envbuild/installer_run.hpp"
#include "envbuild/uv_program.hpp"
#include "runtime_env/interpreter.hpp"

namespace rtenv::envbuild {
namespace {

constexpr std::string_view k_compiled_folder = cache::info(cache::Kind::env).user_writable_folder;

// `uv cache clean` waits for all other runs of uv, which may take as long as they like.
constexpr const char* k_clean_wait_s = "5";

// uv, and the lock of its cache, which must be held while it runs.
struct UvInUse {
  std::optional<LockFile> cache_lock;
  LeasedPath program;
};

// uv uses rtenv's cache in the run's environment from now on.
Result<UvInUse> uv_for(InstallerRun& run, const InstallRequest& request, cache::Cache& cache) {
  const UvInstall install{.machine = request.machine,
                          .deadline = run.deadline(),
                          .cancellation = request.cancellation,
                          .cache_use = request.cache_use};
  RTENV_TRY(auto cache_lock, share_uv_cache(run.environment(), cache, install));
  RTENV_TRY(auto program, find_uv(run.environment(), cache, request.packages.version,
                                  request.interpreter.executable, install));
  if (auto* sandbox = run.sandbox()) {
    RTENV_TRY(TempDir own, cache.make_temp_dir(request.cancellation));
    RTENV_TRY(const Path folder,
              sandbox->private_uv_cache(run.environment().find("UV_CACHE_DIR").value_or(""),
                                        std::move(own)));
    run.environment().set("UV_CACHE_DIR", folder.native());
    run.environment().set("UV_LINK_MODE", "copy");  // it is on another file system
  }
  return UvInUse{std::move(cache_lock), std::move(program)};
}

// Takes --compile out of uv's arguments and variables. Returns whether it was there.
bool take_compile(InstallerRun& run, std::vector<std::string>& arguments) {
  const bool by_variable = run.environment().find_filled("UV_COMPILE_BYTECODE").has_value();
  run.environment().unset("UV_COMPILE_BYTECODE");
  return std::erase_if(
             arguments,
             [](const std::string& argument) { return argument.starts_with("--compile"); }) > 0 ||
         by_variable;
}

// uv links the compiled code that lies in an unpacked wheel, where nothing tells whether it belongs
// to the source; and with --compile it keeps what looks up to date.
Result<void> remove_compiled_code(const Path& target) {
  return walk_folder(target, [](const FolderEntry& entry) -> Result<Descent> {
    if (entry.path.filename() != k_compiled_folder || !entry.is_directory()) return Descent::enter;
    RTENV_TRY(remove_tree(entry.path));
    return Descent::skip;
  });
}

// As uv does, without minding sources that can't be compiled.
Result<void> compile(InstallerRun& run, const InstallRequest& request) {
  auto compiled =
      run.step("compileall", {request.interpreter.base_executable.native(), "-I", "-S", "-m",
                              "compileall", "-q", "-j", "0", (request.target / "lib").native()});
  if (!compiled && compiled.error().code() == Errc::installer_failed) return {};
  return compiled;
}

}  // namespace

Result<void> remove_from_uv_cache(const std::vector<std::string>& distributions,
                                  const InstallRequest& request, cache::Cache& cache) {
  InstallerRun run(request, cache);
  RTENV_TRY(const UvInUse uv, uv_for(run, request, cache));
  std::vector<std::string> clean{uv.program.path.native(), "cache", "clean"};
  clean.insert(clean.end(), distributions.begin(), distributions.end());
  run.environment().set("UV_LOCK_TIMEOUT", k_clean_wait_s);
  return run.step("uv cache clean", std::move(clean));
}

Result<TreeItems> install_with_uv(const InstallRequest& request, cache::Cache& cache) {
  InstallerRun run(request, cache);
  RTENV_TRY(const UvInUse uv, uv_for(run, request, cache));
  const Path& python = request.interpreter.executable;
  // Not UV_NO_CACHE: when uv is killed, it leaves its temporary cache behind.
  if (request.cache_use == InstallerCache::bypass)
    run.environment().set("UV_CACHE_DIR", (request.scratch / "empty-cache").native());
  const auto& lists = request.inputs.arguments;

  if (request.form == InstallForm::folder) {
    // Copies, because the files will become read-only and links would protect uv's cache too.
    std::vector<std::string> install{
        uv.program.path.native(), "pip",         "install", "--python", python.native(), "--target",
        request.target.native(),  "--link-mode", "copy"};
    install.insert(install.end(), lists.front().begin(), lists.front().end());
    take_compile(run, install);
    RTENV_TRY(run.step("uv pip install", std::move(install)));
    RTENV_TRY(remove_compiled_code(request.target));
    return TreeItems();
  }
  std::vector<std::string> venv{uv.program.path.native(), "venv",     "--quiet",
                                "--no-project",           "--python", python.native()};
  if (request.inherit_site_packages) venv.emplace_back("--system-site-packages");
  venv.push_back(request.target.native());
  RTENV_TRY(run.step("uv venv", std::move(venv)));
  if (request.inherit_site_packages) RTENV_TRY(add_virtualenv_site_packages(request));
  RTENV_TRY(TreeItems virtualenv, content_of(request.target));
  bool compiles = false;
  const std::string target_python = (request.target / "bin" / "python").native();
  for (std::size_t phase = 0; phase < lists.size(); ++phase) {
    std::vector<std::string> install{uv.program.path.native(), "pip", "install", "--python",
                                     target_python};
    if (request.cache_use == InstallerCache::revalidate) install.emplace_back("--refresh");
    install.insert(install.end(), lists[phase].begin(), lists[phase].end());
    compiles = take_compile(run, install) || compiles;
    RTENV_TRY(run.step(phase_name("uv pip install", phase, lists.size()), std::move(install)));
    RTENV_TRY(remove_compiled_code(request.target));
  }
  if (compiles) RTENV_TRY(compile(run, request));
  if (request.packages.check)
    RTENV_TRY(run.step("uv pip check",
                       {uv.program.path.native(), "pip", "check", "--python", target_python}));
  return virtualenv;
}

}  // namespace rtenv::envbuild
