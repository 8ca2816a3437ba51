#include "base/sandbox.hpp"

#include "base/program.hpp"

namespace rtenv {

Result<SpawnOptions> in_sandbox(SpawnOptions spawn, const SandboxFolders& folders) {
  // Looked up in the server's PATH: the job's could name another bwrap.
  const auto program = find_program("bwrap", Environment::of_process());
  if (!program)
    return fail(Errc::not_found, "the sandbox needs bwrap (bubblewrap), which isn't installed")
        .hint("install it: apt-get install bubblewrap");
  std::vector<std::string> argv{program->native(),
                                "--die-with-parent",
                                "--unshare-pid",
                                "--unshare-ipc",
                                "--dev-bind",
                                "/",
                                "/",
                                "--proc",
                                "/proc"};
  const auto bind = [&](const char* option, const Path& folder) {
    argv.insert(argv.end(), {option, folder.native(), folder.native()});
  };
  std::error_code error;
  if (std::filesystem::exists(folders.cache, error)) bind("--ro-bind", folders.cache);
  argv.insert(argv.end(), {"--tmpfs", folders.hidden.native()});
  for (const Path& folder : folders.writable) bind("--bind", folder);
  argv.emplace_back("--");
  argv.insert(argv.end(), std::make_move_iterator(spawn.argv.begin()),
              std::make_move_iterator(spawn.argv.end()));
  spawn.argv = std::move(argv);
  return spawn;
}

}  // namespace rtenv
