#include "server/sandboxed_peer.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/process_stat.hpp"
#include "base/stream_input.hpp"
#include "job/supervise_command.hpp"

namespace rtenv::server {
namespace {

// Empty: it can't be read.
std::string link_text(const Path& link) {
  std::error_code error;
  return std::filesystem::read_symlink(link, error).native();
}

bool has_socket(const Path& process, const std::string& socket) {
  std::error_code error;
  for (std::filesystem::directory_iterator fd(process / "fd", error), end; !error && fd != end;
       fd.increment(error))
    if (link_text(fd->path()) == socket) return true;
  return false;
}

bool is_process(const Path& entry) {
  return std::ranges::all_of(entry.filename().native(),
                             [](unsigned char c) { return std::isdigit(c) != 0; });
}

bool is_supervisor(const Path& process) {
  const std::string command = read_file_or_stream(process / "cmdline").value_or(std::string());
  const auto program_end = command.find('\0');
  return program_end != std::string::npos && std::string_view(command)
                                                 .substr(program_end + 1)
                                                 .starts_with(std::string(job::k_supervise) + '\0');
}

// A supervisor, and the installers that it starts, fetch what a job names, from where it says.
bool acts_for_a_job(const Path& process) {
  if (is_supervisor(process)) return true;
  const auto stat = process_stat(std::atoi(process.filename().c_str()));
  return stat && is_supervisor(fmt::format("/proc/{}", stat->session));
}

}  // namespace

bool may_be_sandboxed(const Peer& peer) {
  const std::string own = link_text("/proc/self/ns/pid");
  const auto is_own = [&](const Path& process) {
    return link_text(process / "ns/pid") == own && !acts_for_a_job(process);
  };
  if (peer.pid > 0) return !is_own(fmt::format("/proc/{}", peer.pid));
  const std::string socket = fmt::format("socket:[{}]", peer.inode);
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc", error), end; !error && entry != end;
       entry.increment(error))
    if (is_process(entry->path()) && is_own(entry->path()) && has_socket(entry->path(), socket))
      return false;
  return true;
}

}  // namespace rtenv::server
