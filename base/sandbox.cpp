#include "base/sandbox.hpp"

#include <pwd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/absolute_path.hpp"
#include "base/call_filter.hpp"
#include "base/folder_entries.hpp"
#include "base/program.hpp"
#include "base/sandbox_view.hpp"
#include "base/text.hpp"

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
    for (const std::string_view word : words) {
      has_nul_ = has_nul_ || word.find('\0') != std::string_view::npos;
      (text_ += word) += '\0';
    }
  }
  void add_if_exists(std::string_view option, const Path& path) {
    std::error_code error;
    if (std::filesystem::exists(path, error)) add({option, path.native(), path.native()});
  }
  /// Fails: invalid_argument (a word contains a NUL byte: bwrap would take it for several).
  [[nodiscard]] Result<Fd> to_file() const {
    if (has_nul_)
      return fail(Errc::invalid_argument,
                  "a path or variable of the sandboxed command contains a NUL byte");
    Fd file(::memfd_create("rtenv-sandbox", MFD_CLOEXEC));
    if (!file) return fail_errno("create", "a memory file");
    RTENV_TRY(write_full(file, text_, "a memory file"));
    ::lseek(file.get(), 0, SEEK_SET);
    return file;
  }

 private:
  std::string text_;  // each followed by a NUL
  bool has_nul_ = false;
};

void add_devices(Arguments& arguments) {
  arguments.add({"--dev", "/dev"});
  for (const FolderEntry& device : readable_entries("/dev")) {
    const std::string name = device.name();
    if (std::ranges::any_of(k_devices, [&](std::string_view row) { return name.starts_with(row); }))
      arguments.add_if_exists("--dev-bind", device.path);
  }
}

// root's processes may write to these without a capability.
void protect_kernel(Arguments& arguments) {
  arguments.add({"--proc", "/proc"});
  for (const char* path : {"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus"})
    arguments.add_if_exists("--ro-bind", path);
}

// Homes of system users can be there; they aren't hidden.
constexpr std::array<std::string_view, 9> k_needed{"/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/",
                                                   "/etc/", "/dev/", "/proc/", "/sys/"};

bool may_be_hidden(const Path& home) {
  const std::string text = (real_path(home) / "").native();
  return text.size() > 1 && std::ranges::none_of(k_needed, [&](std::string_view needed) {
           return text.starts_with(needed);
         });
}

// What is hidden in each sandbox.
std::vector<Path> hidden_places(const Environment& own) {
  std::vector<Path> places{"/tmp", "/var/tmp", "/run", "/home", "/root"};
  const auto add_home = [&](const Path& home) {
    if (may_be_hidden(home)) places.push_back(home);
  };
  if (const auto home = own.find_filled("HOME")) add_home(Path(*home));
  if (const passwd* const user = ::getpwuid(::geteuid())) add_home(user->pw_dir);
  return places;
}

// Folders that the command expects to be able to write to: they vanish with it.
void add_scratch(SandboxView& view, const Environment& command) {
  for (const char* variable : {"HOME", "TMPDIR"}) {
    const auto folder = command.find_filled(variable);
    if (!folder || folder->front() != '/') continue;
    const Path path = absolute_path(Path(*folder));
    const bool is_home = variable == std::string_view("HOME");
    const Path scratch = is_home ? path / ".cache" : path;
    if (may_be_hidden(scratch)) view.hide(scratch);
    view.create(path);
    view.create(scratch);
  }
}

void set_view(SandboxView& view, const SandboxFolders& folders, const Environment& own,
              const Environment& command) {
  view.assume_hidden("/dev");
  for (const Path& place : hidden_places(own)) view.hide(place);
  add_scratch(view, command);
  for (const char* path : k_shown_in_run) view.show(path);
  for (const Path& path : folders.readable) view.show(path);
  for (const Path& path : folders.hidden) view.hide(path);
  for (const Path& path : folders.own) view.show(path);
  for (const Path& folder : folders.writable) view.show_writable(folder);
}

bool is_in(const Path& path, const std::vector<Path>& folders) {
  return std::ranges::any_of(folders,
                             [&](const Path& folder) { return contains(real_path(folder), path); });
}

}  // namespace

bool is_hidden_in_sandbox(const Path& path, const SandboxFolders& folders) {
  const Path real = real_path(path);
  if (real == "/dev/null") return false;
  // It has a /proc and a /dev of its own.
  if (is_in(real, {"/proc", "/dev"}) && !is_in(real, folders.own)) return true;
  const bool in_hidden =
      is_in(real, folders.hidden) ||
      (is_in(real, hidden_places(Environment::of_process())) && !is_in(real, folders.readable));
  return in_hidden && !is_in(real, folders.own) && !is_in(real, folders.writable);
}

Result<SandboxedCommand> in_sandbox(SpawnOptions spawn, const SandboxFolders& folders,
                                    const SandboxOptions& options) {
  const Environment own = options.starter ? *options.starter : Environment::of_process();
  const auto program = find_program("bwrap", own);
  if (!program)
    return fail(Errc::not_found, "the sandbox needs bwrap (bubblewrap), which isn't installed")
        .hint("install it: apt-get install bubblewrap");
  if (spawn.environment.values().size() > k_max_variables)
    return fail(Errc::invalid_argument, "a command in the sandbox can have {} variables, not {}",
                k_max_variables, spawn.environment.values().size());
  Arguments arguments;
  arguments.add({"--unshare-pid", "--unshare-ipc", "--cap-drop", "ALL"});
  if (options.ends_at_once) arguments.add({"--die-with-parent"});
  arguments.add({"--clearenv"});
  for (const auto& [name, value] : spawn.environment.values())
    arguments.add({"--setenv", name, value});
  arguments.add({"--ro-bind", "/", "/"});
  add_devices(arguments);
  protect_kernel(arguments);
  SandboxView view([&](std::initializer_list<std::string_view> words) { arguments.add(words); });
  set_view(view, folders, own, spawn.environment);
  if (!options.has_network) arguments.add({"--unshare-net"});
  RTENV_TRY(Fd filter, call_filter(options.unix_sockets));
  arguments.add({"--seccomp", std::to_string(filter.get())});
  spawn.keep_fds.push_back(filter.get());
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

Result<void> try_sandbox(const SandboxFolders& folders, const Environment& starter) {
  RTENV_TRY(const auto sandboxed,
            in_sandbox({.argv = {"/bin/sh", "-c", ":"}}, folders, {.starter = starter}));
  RTENV_TRY(const auto run, run_captured(sandboxed.spawn));
  if (!run.state.succeeded())
    return fail(Errc::unavailable, "bwrap can't make a sandbox here: {}",
                run.output.empty() ? run.state.describe() : std::string(trim_end(run.output)))
        .hint("the kernel, a container or AppArmor may forbid namespaces to this user");
  return {};
}

}  // namespace rtenv
