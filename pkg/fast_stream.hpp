// Memory for ISA-L's compressor at an address that doesn't affect its output.
//
// ISA-L (2.30, and the newest release as of 2026) hashes its third input byte with a register that
// still contains the address of its own stream, divided by 64 KiB: see
// isal_deflate_icf_body_hash_hist at .write_first_byte. So the address determines one slot of the
// hash table that is written to, and in one run of fifty a match is found or lost. If the hash of
// the address is the same, so are the bytes; all addresses returned here have the same hash.
#pragma once

#include <memory>

struct isal_zstream;

namespace rtenv::pkg {

struct UnmapStream {
  void operator()(isal_zstream* stream) const noexcept;
};
using FastStream = std::unique_ptr<isal_zstream, UnmapStream>;

/// The stream isn't initialized. Aborts the program if it is out of memory.
FastStream make_fast_stream();

}  // namespace rtenv::pkg
