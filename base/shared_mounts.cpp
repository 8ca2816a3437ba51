#include "base/shared_mounts.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace rtenv {
namespace {

constexpr std::size_t k_max_namespaces = 2;

struct Message {
  char byte = 'n';  // a message has at least one
  alignas(cmsghdr) std::array<char, CMSG_SPACE(k_max_namespaces * sizeof(int))> control{};
  iovec data{.iov_base = &byte, .iov_len = 1};
  msghdr header{.msg_iov = &data, .msg_iovlen = 1};

  explicit Message(std::size_t namespaces) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(namespaces * sizeof(int));
  }
};

// Sends descriptors of this process's namespaces. Async-signal-safe.
bool send_namespaces(int socket, bool also_user) noexcept {
  std::array<int, k_max_namespaces> found{::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC), -1};
  std::size_t count = 1;
  if (also_user) found[count++] = ::open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
  for (std::size_t i = 0; i < count; ++i)
    if (found[i] < 0) return false;
  Message message(count);
  cmsghdr* const control = CMSG_FIRSTHDR(&message.header);
  control->cmsg_level = SOL_SOCKET;
  control->cmsg_type = SCM_RIGHTS;
  control->cmsg_len = CMSG_LEN(count * sizeof(int));
  std::memcpy(CMSG_DATA(control), found.data(), count * sizeof(int));
  return ::sendmsg(socket, &message.header, MSG_NOSIGNAL) == 1;
}

Result<std::array<Fd, k_max_namespaces>> receive_namespaces(int socket) {
  Message message(k_max_namespaces);
  const ssize_t received = ::recvmsg(socket, &message.header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  const cmsghdr* const control = received == 1 ? CMSG_FIRSTHDR(&message.header) : nullptr;
  if (control == nullptr || (message.header.msg_flags & MSG_CTRUNC) != 0)
    return fail(Errc::unavailable, "cannot keep the mounts of a process: no descriptor is left");
  std::array<int, k_max_namespaces> numbers{-1, -1};
  std::memcpy(numbers.data(), CMSG_DATA(control), control->cmsg_len - CMSG_LEN(0));
  return std::array<Fd, k_max_namespaces>{Fd(numbers[0]), Fd(numbers[1])};
}

}  // namespace

Result<ChildProcess> SharedMounts::spawn(SpawnOptions options) {
  {
    const std::lock_guard lock(mutex_);
    if (!mount_namespace_) return spawn_first(options);
  }
  options.prepare_child = [user = user_namespace_.get(),
                           mounts = mount_namespace_.get()]() -> const char* {
    if (user >= 0 && ::setns(user, CLONE_NEWUSER) != 0) return "join the user namespace for";
    return ::setns(mounts, CLONE_NEWNS) == 0 ? nullptr : "join the mounts for";
  };
  options.prepare_fds.push_back(mount_namespace_.get());
  if (user_namespace_) options.prepare_fds.push_back(user_namespace_.get());
  return ChildProcess::spawn(options);
}

Result<ChildProcess> SharedMounts::spawn_first(SpawnOptions& options) {
  if (tried_) RTENV_TRY(plan_.renew());
  tried_ = true;
  std::array<int, 2> sockets{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0)
    return fail_errno("create", "a socket pair");
  const Fd ours(sockets[0]);
  const Fd theirs(sockets[1]);
  options.prepare_child = [this, socket = theirs.get()]() -> const char* {
    if (const char* const failed = plan_.enter()) return failed;
    return send_namespaces(socket, plan_.has_own_user_namespace()) ? nullptr : "keep the mounts of";
  };
  options.prepare_fds.push_back(theirs.get());
  auto child = ChildProcess::spawn(options);
  // If only the program couldn't be run, the plan is mounted nevertheless.
  auto received = receive_namespaces(ours.get());
  if (received) {
    mount_namespace_ = std::move((*received)[0]);
    user_namespace_ = std::move((*received)[1]);
  }
  if (!child || received) return child;
  // Its mounts must be gone before others can be made.
  child->signal(SIGKILL);
  RTENV_TRY(child->wait());
  return Failure(std::move(received).error());
}

}  // namespace rtenv
