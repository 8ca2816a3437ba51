#include "server/sandboxed_peer.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "base/fd.hpp"

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

}  // namespace

bool may_be_sandboxed(const Peer& peer) {
  const std::string own = link_text("/proc/self/ns/pid");
  if (peer.pid > 0) return link_text(fmt::format("/proc/{}/ns/pid", peer.pid)) != own;
  const std::string socket = fmt::format("socket:[{}]", peer.inode);
  bool has_own_holder = false;
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc", error), end; !error && entry != end;
       entry.increment(error)) {
    const Path& process = entry->path();
    if (!is_process(process)) continue;
    const std::string name_space = link_text(process / "ns/pid");
    const bool is_own = name_space == own;
    if (name_space.empty() || (is_own && has_own_holder) || !has_socket(process, socket)) continue;
    if (!is_own) return true;
    has_own_holder = true;
  }
  return !has_own_holder;
}

}  // namespace rtenv::server
