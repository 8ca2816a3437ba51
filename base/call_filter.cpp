#include "base/call_filter.hpp"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <span>

namespace rtenv {
namespace {

// add_key, request_key and keyctl have numbers in a row.
#if defined(__x86_64__)
constexpr std::uint32_t k_architecture = AUDIT_ARCH_X86_64;
constexpr std::uint32_t k_other_architecture = AUDIT_ARCH_I386;
constexpr std::uint32_t k_other_first_key_call = 286;
#elif defined(__aarch64__)
constexpr std::uint32_t k_architecture = AUDIT_ARCH_AARCH64;
constexpr std::uint32_t k_other_architecture = AUDIT_ARCH_ARM;
constexpr std::uint32_t k_other_first_key_call = 309;
#else
#error "the filter needs the architecture's number"
#endif
constexpr std::uint32_t k_first_x32_call = 0x40000000;

constexpr sock_filter load(std::size_t offset) {
  return {
      .code = BPF_LD | BPF_W | BPF_ABS, .jt = 0, .jf = 0, .k = static_cast<std::uint32_t>(offset)};
}
// Skips the next `otherwise` instructions unless the loaded value is `value`.
constexpr sock_filter skip_unless(std::uint32_t value, std::uint8_t otherwise) {
  return {.code = BPF_JMP | BPF_JEQ | BPF_K, .jt = 0, .jf = otherwise, .k = value};
}
constexpr sock_filter skip_if_below(std::uint32_t value, std::uint8_t count) {
  return {.code = BPF_JMP | BPF_JGE | BPF_K, .jt = 0, .jf = count, .k = value};
}
constexpr sock_filter skip_if_above(std::uint32_t value, std::uint8_t count) {
  return {.code = BPF_JMP | BPF_JGT | BPF_K, .jt = count, .jf = 0, .k = value};
}
constexpr sock_filter keep_bits(std::uint32_t bits) {
  return {.code = BPF_ALU | BPF_AND | BPF_K, .jt = 0, .jf = 0, .k = bits};
}
constexpr sock_filter answer(std::uint32_t what) {
  return {.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = what};
}
constexpr std::uint32_t k_refuse = SECCOMP_RET_ERRNO | EACCES;

constexpr std::uint32_t k_type_bits = 0xF;  // of a socket's type; the others are flags

static_assert(SYS_keyctl == SYS_add_key + 2 && SYS_request_key == SYS_add_key + 1);

// Falls through for other calls, and for those of other architectures.
constexpr auto refuse_keys(std::uint32_t architecture, std::uint32_t first_call) {
  return std::array{
      load(offsetof(seccomp_data, arch)),
      skip_unless(architecture, 5),
      load(offsetof(seccomp_data, nr)),
      keep_bits(k_first_x32_call - 1),
      skip_if_below(first_call, 2),
      skip_if_above(first_call + 2, 1),
      answer(k_refuse),
  };
}

constexpr std::array k_allow_others{answer(SECCOMP_RET_ALLOW)};

constexpr std::array k_refuse_unix_sockets{
    // Calls of another architecture have other numbers.
    load(offsetof(seccomp_data, arch)),
    skip_unless(k_architecture, 2),
    load(offsetof(seccomp_data, nr)),
    skip_if_below(k_first_x32_call, 1),
    answer(k_refuse),
    // It can make sockets, too.
    skip_unless(SYS_io_uring_setup, 1),
    answer(k_refuse),
    skip_unless(SYS_socket, 3),
    load(offsetof(seccomp_data, args)),
    skip_unless(AF_UNIX, 1),
    answer(k_refuse),
    // Of a pair, only what is connected for good: a datagram can be sent to any other socket.
    load(offsetof(seccomp_data, nr)),
    skip_unless(SYS_socketpair, 7),
    load(offsetof(seccomp_data, args)),
    skip_unless(AF_UNIX, 5),
    load(offsetof(seccomp_data, args) + sizeof(std::uint64_t)),
    keep_bits(k_type_bits),
    skip_unless(SOCK_STREAM, 1),
    answer(SECCOMP_RET_ALLOW),
    answer(k_refuse),
    answer(SECCOMP_RET_ALLOW),
};

}  // namespace

Result<Fd> call_filter(UnixSockets unix_sockets) {
  Fd file(::memfd_create("rtenv-filter", MFD_CLOEXEC));
  if (!file) return fail_errno("create", "a memory file");
  const auto write = [&](std::span<const sock_filter> part) {
    return write_full(file, std::as_bytes(part), "a memory file");
  };
  RTENV_TRY(write(refuse_keys(k_architecture, SYS_add_key)));
  RTENV_TRY(write(refuse_keys(k_other_architecture, k_other_first_key_call)));
  RTENV_TRY(unix_sockets == UnixSockets::refused ? write(k_refuse_unix_sockets)
                                                 : write(k_allow_others));
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

}  // namespace rtenv
