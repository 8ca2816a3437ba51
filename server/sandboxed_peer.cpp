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

// What can't be read has no entries, but without a descriptor to read it, nothing is known.
Result<std::vector<FolderEntry>> entries_if_readable(const Path& folder) {
  auto entries = folder_entries(folder);
  if (entries || entries.error().code() == Errc::unavailable) return entries;
  return std::vector<FolderEntry>();
}

Result<bool> has_socket(const Path& process, const std::string& socket) {
  RTENV_TRY(const auto descriptors, entries_if_readable(process / "fd"));
  return std::ranges::any_of(descriptors,
                             [&](const FolderEntry& fd) { return link_text(fd.path) == socket; });
}

bool is_process(const Path& entry) {
  return std::ranges::all_of(entry.filename().native(),
                             [](unsigned char c) { return std::isdigit(c) != 0; });
}

Result<bool> is_supervisor(const Path& process) {
  const auto command = read_file_or_stream(process / "cmdline");
  if (!command && command.error().code() == Errc::unavailable) return Failure(command.error());
  if (!command) return false;  // it has ended
  const auto program_end = command->find('\0');
  return program_end != std::string::npos && std::string_view(*command)
                                                 .substr(program_end + 1)
                                                 .starts_with(std::string(job::k_supervise) + '\0');
}

// A supervisor, and the installers that it starts, fetch what a job names, from where it says.
Result<bool> acts_for_a_job(const Path& process) {
  RTENV_TRY(const bool supervises, is_supervisor(process));
  if (supervises) return true;
  const auto stat = process_stat(std::atoi(process.filename().c_str()));
  return stat ? is_supervisor(fmt::format("/proc/{}", stat->session)) : false;
}

// Of the PID namespace, and not for a job.
Result<bool> is_own(const Path& process, const std::string& pid_namespace) {
  if (link_text(process / "ns/pid") != pid_namespace) return false;
  RTENV_TRY(const bool for_a_job, acts_for_a_job(process));
  return !for_a_job;
}

}  // namespace

Result<bool> may_be_sandboxed(const Peer& peer) {
  const std::string pid_namespace = link_text("/proc/self/ns/pid");
  if (peer.pid > 0) {
    RTENV_TRY(const bool own, is_own(fmt::format("/proc/{}", peer.pid), pid_namespace));
    return !own;
  }
  const std::string socket = fmt::format("socket:[{}]", peer.inode);
  RTENV_TRY(const auto entries, entries_if_readable("/proc"));
  for (const FolderEntry& entry : entries) {
    if (!is_process(entry.path)) continue;
    RTENV_TRY(const bool own, is_own(entry.path, pid_namespace));
    if (!own) continue;
    RTENV_TRY(const bool has, has_socket(entry.path, socket));
    if (has) return false;
  }
  return true;
}

}  // namespace rtenv::server
