#include "job/process_tree.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "base/file.hpp"
#include "base/folder_entries.hpp"
#include "base/log.hpp"
#include "base/process_handle.hpp"
#include "base/process_stat.hpp"

namespace rtenv::job {
namespace {

constexpr int k_max_freeze_rounds = 20;
constexpr auto k_kill_pause = std::chrono::milliseconds(1);
constexpr auto k_max_kill_pause = std::chrono::milliseconds(100);

// And isn't reaped. A process whose main thread has ended is a zombie, too, but runs.
bool has_ended(const ProcessStat& stat) { return stat.state == 'Z' && stat.threads <= 1; }

struct Descendant {
  pid_t pid = 0;
  std::int64_t start_ticks = 0;
};

std::vector<Descendant> find_descendants() {
  std::unordered_multimap<pid_t, Descendant> children;
  std::unordered_set<pid_t> ended;
  for_each_process([&](pid_t pid) {
    if (const auto stat = process_stat(pid)) {
      children.emplace(stat->parent, Descendant{.pid = pid, .start_ticks = stat->start_ticks});
      if (has_ended(*stat)) ended.insert(pid);
    }
  });
  std::vector<Descendant> found{{.pid = ::getpid()}};
  for (std::size_t next = 0; next < found.size(); ++next) {
    const auto [first, last] = children.equal_range(found[next].pid);
    for (auto child = first; child != last; ++child) found.push_back(child->second);
  }
  found.erase(found.begin());
  std::erase_if(found, [&](const Descendant& each) { return ended.contains(each.pid); });
  return found;
}

// Returns 0 or an errno. Its start tells the process from a later one with its id; its parent may
// have ended meanwhile.
int signal_descendant(const Descendant& descendant, int number) {
  const ProcessHandle process(descendant.pid);
  if (!process.is_open()) return ESRCH;
  const auto stat = process_stat(descendant.pid);
  if (!stat || stat->start_ticks != descendant.start_ticks) return ESRCH;
  return process.signal(number);
}

}  // namespace

Result<void> become_reaper() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
    return fail_errno("become", "the subreaper of a job's processes");
  return {};
}

std::vector<pid_t> descendants() {
  std::vector<pid_t> pids;
  for (const Descendant& each : find_descendants()) pids.push_back(each.pid);
  return pids;
}

void signal_descendants(int number, pid_t spared) {
  for (const Descendant& each : find_descendants())
    if (each.pid != spared) signal_descendant(each, number);
}

void kill_descendants() {
  // A stopped process can't fork: a fork bomb is stopped first, then killed.
  std::size_t known = 0;
  for (int round = 0; round < k_max_freeze_rounds; ++round) {
    const auto running = find_descendants();
    for (const Descendant& each : running) signal_descendant(each, SIGSTOP);
    if (running.size() == known) break;
    known = running.size();
  }
  // A set-user-ID program of another user can't be killed, only waited for.
  bool reported = false;
  for (auto pause = k_kill_pause;; pause = std::min(2 * pause, k_max_kill_pause)) {
    for (const Descendant& each : find_descendants()) {
      if (signal_descendant(each, SIGKILL) != EPERM || reported) continue;
      log::warn("waiting for the process {}, which another user's rights protect", each.pid);
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

namespace {

// A main thread that has ended has none, but the process's other threads have it.
std::string environment_of(pid_t pid) {
  const Path folder = fmt::format("/proc/{}", pid);
  if (auto text = read_file(folder / "environ"); text && !text->empty()) return std::move(*text);
  for (const FolderEntry& thread : readable_entries(folder / "task"))
    if (auto text = read_file(thread.path / "environ"); text && !text->empty())
      return std::move(*text);
  return {};
}

bool is_own(pid_t pid) {
  struct stat status {};
  return ::stat(fmt::format("/proc/{}", pid).c_str(), &status) == 0 && status.st_uid == ::geteuid();
}

// No other process gets the id of a session's leader while the session has processes.
bool is_known_session(const ProcessMarks& marks) {
  if (marks.session == 0) return false;
  const auto leader = process_stat(marks.session);
  return !leader || leader->start_ticks == marks.session_start_ticks;
}

}  // namespace

bool kill_marked(const ProcessMarks& marks, std::chrono::milliseconds time_limit) {
  const std::string pattern = '\0' + marks.variable + '\0';
  const auto deadline = std::chrono::steady_clock::now() + time_limit;
  for (bool some_left = true; some_left;) {
    some_left = false;
    std::vector<ProcessHandle> ending;
    const bool has_session = is_known_session(marks);
    for_each_process([&](pid_t pid) {
      if (pid == ::getpid()) return;
      ProcessHandle process(pid);  // before its environment is read
      if (!process.is_open()) return;
      const std::string environment = environment_of(pid);
      const auto stat = process_stat(pid);
      if (!stat || has_ended(*stat)) return;
      if ((has_session && stat->session == marks.session) ||
          ('\0' + environment).find(pattern) != std::string::npos) {
        if (process.signal(SIGKILL) != 0) return;
        some_left = true;
        ending.push_back(std::move(process));
      } else if (environment.empty() && stat->exiting && is_own(pid) &&
                 stat->start_ticks >= marks.session_start_ticks) {
        // Its environment is gone, but it still has its files: it may be one of them.
        ending.push_back(std::move(process));
      }
    });
    const bool ended = std::ranges::all_of(
        ending, [&](const ProcessHandle& process) { return process.wait_for_end(deadline); });
    if (!ended) return false;
  }
  return true;
}

bool has_marked(const std::string& begin) {
  bool found = false;
  for_each_process([&](pid_t pid) {
    found = found || ('\0' + environment_of(pid)).find('\0' + begin) != std::string::npos;
  });
  return found;
}

}  // namespace rtenv::job
