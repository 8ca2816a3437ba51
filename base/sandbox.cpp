#include "base/sandbox.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/program.hpp"
#include "base/socket_filter.hpp"

namespace rtenv {
namespace {

// What programs need for computing, of those that --dev doesn't make. No disks.
constexpr std::array<std::string_view, 6> k_devices{"nvidia", "dri",   "kfd",
                                                    "accel",  "infin", "hugepages"};

// bwrap takes 9,000 arguments, and three for each variable.
constexpr std::size_t k_max_variables = 2900;

class Arguments {
 public:
  void add(std::initializer_list<std::string_view> words) {
    for (const std::string_view word : words) (text_ += word) += '\0';
  }
  void add_if_exists(std::string_view option, const Path& path) {
    std::error_code error;
    if (std::filesystem::exists(path, error)) add({option, path.native(), path.native()});
  }
  // An empty folder.
  void hide_if_exists(const Path& folder) {
    std::error_code error;
    if (!std::filesystem::is_directory(folder, error)) return;
    add({"--tmpfs", folder.native()});
    hidden_.push_back(folder / "");
  }
  void show_if_hidden(const Path& path) {
    if (std::ranges::any_of(hidden_, [&](const Path& folder) {
          return path.native().starts_with(folder.native());
        }))
      add_if_exists("--ro-bind", path);
  }
  [[nodiscard]] Result<Fd> to_file() const {
    Fd file(::memfd_create("rtenv-sandbox", MFD_CLOEXEC));
    if (!file) return fail_errno("create", "a memory file");
    RTENV_TRY(write_full(file, text_, "a memory file"));
    ::lseek(file.get(), 0, SEEK_SET);
    return file;
  }

 private:
  std::string text_;  // each followed by a NUL
  std::vector<Path> hidden_;
};

void add_devices(Arguments& arguments) {
  arguments.add({"--dev", "/dev"});
  std::error_code error;
  for (const auto& device : std::filesystem::directory_iterator("/dev", error)) {
    const std::string name = device.path().filename();
    if (std::ranges::any_of(k_devices, [&](std::string_view row) { return name.starts_with(row); }))
      arguments.add_if_exists("--dev-bind", device.path());
  }
}

// root's processes may write to these without a capability.
void protect_kernel(Arguments& arguments) {
  arguments.add({"--proc", "/proc"});
  for (const char* path : {"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus"})
    arguments.add_if_exists("--ro-bind", path);
}

}  // namespace

Result<SandboxedCommand> in_sandbox(SpawnOptions spawn, const SandboxFolders& folders,
                                    std::string_view mark, UnixSockets unix_sockets) {
  // Looked up in this process's PATH: the command's could name another bwrap.
  const Environment own = Environment::of_process();
  const auto program = find_program("bwrap", own);
  if (!program)
    return fail(Errc::not_found, "the sandbox needs bwrap (bubblewrap), which isn't installed")
        .hint("install it: apt-get install bubblewrap");
  if (spawn.environment.values().size() > k_max_variables)
    return fail(Errc::invalid_argument, "a command in the sandbox can have {} variables, not {}",
                k_max_variables, spawn.environment.values().size());
  Arguments arguments;
  arguments.add({"--die-with-parent", "--unshare-pid", "--unshare-ipc", "--cap-drop", "ALL"});
  arguments.add({"--clearenv"});
  for (const auto& [name, value] : spawn.environment.values())
    arguments.add({"--setenv", name, value});
  arguments.add({"--ro-bind", "/", "/"});
  add_devices(arguments);
  protect_kernel(arguments);
  for (const char* folder : {"/tmp", "/var/tmp"}) arguments.hide_if_exists(folder);
  if (const auto home = spawn.environment.find_filled("HOME"))
    arguments.hide_if_exists(Path(*home) / ".cache");
  for (const Path& path : folders.readable) arguments.show_if_hidden(path);
  arguments.add_if_exists("--ro-bind", folders.cache);
  arguments.hide_if_exists(folders.hidden);
  for (const Path& folder : folders.writable)
    arguments.add({"--bind", folder.native(), folder.native()});
  Fd filter;
  if (unix_sockets == UnixSockets::refused) {
    RTENV_TRY(filter, filter_of_unix_sockets());
    arguments.add({"--seccomp", std::to_string(filter.get())});
    spawn.keep_fds.push_back(filter.get());
  }
  RTENV_TRY(Fd file, arguments.to_file());

  std::vector<std::string> argv{program->native(), "--args", std::to_string(file.get()), "--"};
  argv.insert(argv.end(), std::make_move_iterator(spawn.argv.begin()),
              std::make_move_iterator(spawn.argv.end()));
  spawn.argv = std::move(argv);
  spawn.keep_fds.push_back(file.get());
  spawn.environment = Environment();
  if (const auto equals = mark.find('='); equals != std::string_view::npos)
    spawn.environment.set(std::string(mark.substr(0, equals)),
                          std::string(mark.substr(equals + 1)));
  return SandboxedCommand{
      .spawn = std::move(spawn), .arguments = std::move(file), .filter = std::move(filter)};
}

}  // namespace rtenv
