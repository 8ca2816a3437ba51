#include "job/sandbox.hpp"

namespace rtenv::job {

Result<SpawnOptions> in_sandbox(SpawnOptions spawn, const SandboxFolders& folders) {
  // Found by the path of the machine, not by the job's.
  const auto program = find_program("bwrap", Environment::of_process());
  if (!program)
    return fail(Errc::not_found, "the sandbox needs the program bwrap, which isn't there")
        .hint("apt-get install bubblewrap");
  std::vector<std::string> argv{program->native(),
                                "--die-with-parent",
                                "--unshare-pid",
                                "--unshare-ipc",
                                "--dev-bind",
                                "/",
                                "/",
                                "--proc",
                                "/proc"};
  const auto add = [&](const char* option, const Path& from) {
    argv.insert(argv.end(), {option, from.native(), from.native()});
  };
  std::error_code error;
  if (std::filesystem::exists(folders.cache, error)) add("--ro-bind", folders.cache);
  argv.insert(argv.end(), {"--tmpfs", folders.hidden.native()});
  if (folders.job_folder) add("--bind", *folders.job_folder);
  argv.emplace_back("--");
  argv.insert(argv.end(), std::make_move_iterator(spawn.argv.begin()),
              std::make_move_iterator(spawn.argv.end()));
  spawn.argv = std::move(argv);
  return spawn;
}

}  // namespace rtenv::job
