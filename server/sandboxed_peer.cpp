#include "server/sandboxed_peer.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/folder_entries.hpp"
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
  return std::ranges::any_of(readable_entries(process / "fd"),
                             [&](const FolderEntry& fd) { return link_text(fd.path) == socket; });
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
  return std::ranges::none_of(readable_entries("/proc"), [&](const FolderEntry& entry) {
    return is_process(entry.path) && is_own(entry.path) && has_socket(entry.path, socket);
  });
}

}  // namespace rtenv::server
