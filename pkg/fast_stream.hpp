// Memory for ISA-L's compressor at an address that doesn't change what it makes.
//
// ISA-L (2.30, and the newest as of 2026) hashes its third input byte by a register that still
// holds the address of its own stream, divided by 64 KiB: isal_deflate_icf_body_hash_hist at
// .write_first_byte. One place of its hash table is so written to by the address, and one run in
// fifty finds a match more or less. With the same hash of the address the bytes are the same; so
// that is what these addresses have.
#pragma once

#include <memory>

struct isal_zstream;

namespace rtenv::pkg {

struct UnmapStream {
  void operator()(isal_zstream* stream) const noexcept;
};
using FastStream = std::unique_ptr<isal_zstream, UnmapStream>;

/// Not initialised. Ends the program where there is no memory.
FastStream make_fast_stream();

}  // namespace rtenv::pkg
