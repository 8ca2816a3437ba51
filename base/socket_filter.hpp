// A seccomp filter without Unix sockets: nobody can hand a process of another sandbox a descriptor,
// or get one from it. Pairs of stream sockets and all other sockets work.
#pragma once

#include "base/fd.hpp"

namespace rtenv {

/// The program for bwrap's option --seccomp, in a memory file. Fails: as memfd_create(2).
Result<Fd> filter_of_unix_sockets();

}  // namespace rtenv
