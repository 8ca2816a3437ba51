#include "job/compiled_env.hpp"

#include <fcntl.h>

#include "base/file.hpp"
#include "base/folder_entries.hpp"
#include "base/process.hpp"

namespace rtenv::job {
namespace {

// In a folder that verification ignores.
constexpr const char* k_folder = "__pycache__";
Path mark(const Path& env) { return env / k_folder / "rtenv-compiled"; }

// Sources that can't be compiled are of no interest: nobody can import them. Without the module
// `site` (-S), which runs the code in the environment's .pth files.
constexpr const char* k_compile =
    "import compileall, os, sys; os.nice(19); compileall.compile_dir(sys.argv[1], quiet=2)";

// Python follows links.
Result<void> check_folders_of_compiled_code(const Path& env) {
  return walk_folder(env, [](const FolderEntry& entry) -> Result<Descent> {
    if (entry.path.filename() == k_folder && entry.type == FolderEntry::Type::link)
      return fail(Errc::corrupt, "{} is a link", entry.path.native());
    return Descent::enter;
  });
}

}  // namespace

bool is_compiled(const Path& env) {
  std::error_code error;
  return std::filesystem::exists(mark(env), error);
}

Result<void> compile_env(const Path& python, const Path& env, int lease_lock,
                         const Cancellation* cancellation) {
  RTENV_TRY(check_folders_of_compiled_code(env));
  RTENV_TRY(
      const auto compiled,
      run_captured({.argv = {python.native(), "-I", "-S", "-c", k_compile, (env / "lib").native()},
                    .environment = Environment::of_process(),
                    .keep_fds = {lease_lock}},
                   {.deadline = {}, .cancellation = cancellation, .on_output = {}}));
  if (!compiled.state.succeeded())
    return fail(Errc::unavailable, "compiling {} ended with {}", env.native(),
                compiled.state.describe());
  RTENV_TRY(make_directories(mark(env).parent_path()));
  RTENV_TRY(open_regular_file(mark(env), O_WRONLY | O_CREAT, 0644));
  return {};
}

}  // namespace rtenv::job
