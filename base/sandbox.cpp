#include "base/sandbox.hpp"

#include <pwd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/program.hpp"
#include "base/sandbox_view.hpp"
#include "base/socket_filter.hpp"

namespace rtenv {
namespace {

// In /run: names of hosts, users, drivers, and the programs of NixOS. The rest are sockets of other
// services, which may do what they are asked for.
constexpr std::array<const char*, 8> k_shown_in_run{"/run/systemd/resolve",
                                                    "/run/resolvconf",
                                                    "/run/NetworkManager/resolv.conf",
                                                    "/run/nscd",
                                                    "/run/nvidia-persistenced",
                                                    "/run/opengl-driver",
                                                    "/run/current-system",
                                                    "/run/wrappers"};

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
  [[nodiscard]] Result<Fd> to_file() const {
    Fd file(::memfd_create("rtenv-sandbox", MFD_CLOEXEC));
    if (!file) return fail_errno("create", "a memory file");
    RTENV_TRY(write_full(file, text_, "a memory file"));
    ::lseek(file.get(), 0, SEEK_SET);
    return file;
  }

 private:
  std::string text_;  // each followed by a NUL
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

std::vector<Path> home_directories(const Environment& own) {
  std::vector<Path> homes{"/home", "/root"};
  if (const auto home = own.find_filled("HOME")) homes.emplace_back(*home);
  if (const passwd* const user = ::getpwuid(::geteuid())) homes.emplace_back(user->pw_dir);
  return homes;
}

void set_view(SandboxView& view, const SandboxFolders& folders, const Environment& own,
              const Environment& command) {
  for (const char* folder : {"/tmp", "/var/tmp", "/run"}) view.hide(folder);
  for (const Path& home : home_directories(own)) view.hide(home);
  if (const auto home = command.find_filled("HOME")) {
    view.create(Path(*home));
    view.hide(Path(*home) / ".cache");
    view.create(Path(*home) / ".cache");
  }
  for (const Path& folder : folders.hidden) view.hide(folder);
  for (const char* path : k_shown_in_run) view.show(path);
  for (const Path& path : folders.readable) view.show(path);
  for (const Path& folder : folders.writable) view.show_writable(folder);
}

}  // namespace

Result<SandboxedCommand> in_sandbox(SpawnOptions spawn, const SandboxFolders& folders,
                                    const SandboxOptions& options) {
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
  SandboxView view([&](std::initializer_list<std::string_view> words) { arguments.add(words); });
  set_view(view, folders, own, spawn.environment);
  if (!options.has_network) arguments.add({"--unshare-net"});
  Fd filter;
  if (options.unix_sockets == UnixSockets::refused) {
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
  if (const auto equals = options.mark.find('='); equals != std::string::npos)
    spawn.environment.set(options.mark.substr(0, equals), options.mark.substr(equals + 1));
  return SandboxedCommand{
      .spawn = std::move(spawn), .arguments = std::move(file), .filter = std::move(filter)};
}

}  // namespace rtenv
