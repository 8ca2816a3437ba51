#include "job/process_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>

#include "base/file.hpp"
#include "base/log.hpp"

namespace rtenv::job {
namespace {

constexpr int k_max_freeze_rounds = 20;
constexpr auto k_kill_pause = std::chrono::milliseconds(1);
constexpr auto k_max_kill_pause = std::chrono::milliseconds(100);

template <class Visit>
void for_each_process(Visit visit) {
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), ::closedir);
  if (!proc) return;
  while (const dirent* const entry = ::readdir(proc.get())) {
    const std::string_view name = entry->d_name;
    pid_t pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ec == std::errc() && parsed.ptr == name.data() + name.size()) visit(pid);
  }
}

struct ProcessInfo {
  pid_t parent = 0;
  char state = '?';
};

// /proc/PID/stat: "PID (NAME) STATE PARENT …". The name may contain anything, even ") ".
std::optional<ProcessInfo> process_info(pid_t pid) {
  const Fd file(::open(fmt::format("/proc/{}/stat", pid).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::array<char, 512> buffer{};
  const ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
  if (count <= 0) return std::nullopt;
  const std::string_view text(buffer.data(), static_cast<std::size_t>(count));
  const auto close = text.rfind(") ");
  if (close == std::string_view::npos || close + 4 >= text.size()) return std::nullopt;
  ProcessInfo info{.parent = 0, .state = text[close + 2]};
  std::from_chars(text.data() + close + 4, text.data() + text.size(), info.parent);
  return info;
}

}  // namespace

Result<void> become_reaper() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
    return fail_errno("become", "the subreaper of a job's processes");
  return {};
}

std::vector<pid_t> descendants() {
  std::unordered_multimap<pid_t, pid_t> children;
  std::unordered_map<pid_t, char> states;
  for_each_process([&](pid_t pid) {
    if (const auto info = process_info(pid)) {
      children.emplace(info->parent, pid);
      states.emplace(pid, info->state);
    }
  });
  std::vector<pid_t> found{::getpid()};
  for (std::size_t next = 0; next < found.size(); ++next) {
    const auto [first, last] = children.equal_range(found[next]);
    for (auto child = first; child != last; ++child) found.push_back(child->second);
  }
  found.erase(found.begin());
  std::erase_if(found, [&](pid_t pid) { return states[pid] == 'Z'; });
  return found;
}

void signal_descendants(int number, pid_t spared) {
  for (const pid_t pid : descendants())
    if (pid != spared) ::kill(pid, number);
}

void kill_descendants() {
  // A stopped process can't fork: a fork bomb is stopped first, then killed.
  std::size_t known = 0;
  for (int round = 0; round < k_max_freeze_rounds; ++round) {
    const auto running = descendants();
    for (const pid_t pid : running) ::kill(pid, SIGSTOP);
    if (running.size() == known) break;
    known = running.size();
  }
  // A set-user-ID program of another user can't be killed, only waited for.
  bool reported = false;
  for (auto pause = k_kill_pause;; pause = std::min(2 * pause, k_max_kill_pause)) {
    for (const pid_t pid : descendants()) {
      if (::kill(pid, SIGKILL) == 0 || errno != EPERM || reported) continue;
      log::warn("waiting for the process {}, which another user's rights protect", pid);
      reported = true;
    }
    if (!reap([](const Reaped&) {})) return;
    std::this_thread::sleep_for(pause);
  }
}

bool reap(const std::function<void(const Reaped&)>& on_end) {
  for (;;) {
    Reaped reaped;
    reaped.pid = ::wait4(-1, &reaped.status, WNOHANG, &reaped.usage);
    if (reaped.pid == 0) return true;
    if (reaped.pid < 0) return errno != ECHILD;
    on_end(reaped);
  }
}

std::size_t kill_marked(const std::string& entry) {
  const std::string pattern = '\0' + entry + '\0';
  std::size_t killed = 0;
  for (std::size_t found = 1; found != 0;) {
    found = 0;
    for_each_process([&](pid_t pid) {
      if (pid == ::getpid()) return;
      const auto environment = read_file(fmt::format("/proc/{}/environ", pid));
      if (!environment || ('\0' + *environment).find(pattern) == std::string::npos) return;
      const auto info = process_info(pid);
      if (!info || info->state == 'Z') return;
      if (::kill(pid, SIGKILL) == 0) ++found;
    });
    killed += found;
    if (found != 0) std::this_thread::sleep_for(k_kill_pause);
  }
  return killed;
}

}  // namespace rtenv::job
