// The seccomp filter of a sandbox: which system calls its processes can't make.
//
// Never those of the kernel's key rings, which belong to the user and the session, not to the
// sandbox. For some sandboxes also no Unix sockets: nobody can hand a process of another sandbox a
// descriptor, or get one from it. Pairs of stream sockets and all other sockets work.
#pragma once

#include <cstdint>

#include "base/fd.hpp"

namespace rtenv {

enum class UnixSockets : std::uint8_t {
  allowed,
  refused,  // also calls of another architecture; an ssh agent can't be used
};

/// The program for bwrap's option --seccomp, in a memory file. Fails: as memfd_create(2).
Result<Fd> call_filter(UnixSockets unix_sockets);

}  // namespace rtenv
