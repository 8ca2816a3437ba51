// Brings an object into a file: large ones in parts by a few connections at a time, each going on
// where it was cut off. The SHA-256 is computed on the way. Memory: a connection's buffers,
// whatever the object's size.
#pragma once

#include <functional>
#include <optional>

#include "remote/object_store.hpp"

namespace rtenv::remote {

/// Called now and then, by one thread at a time: how much of the object is there.
using OnProgress =
    std::function<void(std::uint64_t done_bytes, std::optional<std::uint64_t> total_bytes)>;

struct DownloadOptions {
  unsigned connections = 4;
  OnProgress on_progress;
  const Cancellation* cancellation = nullptr;
};

struct Downloaded {
  ObjectInfo info;
  std::string sha256;  // lower-case hex
};

/// `info`: what stat said. `target` is made; it must not be there, and after a failure it isn't.
/// Fails: corrupt (the URI's pin differs; the object kept changing), out_of_space, and as the
/// store.
Result<Downloaded> download(ObjectStore& store, const Uri& object, ObjectInfo info,
                            const Path& target, const DownloadOptions& options);

/// What is to be said of an object that has another digest than its URI's pin.
Failure fail_pin(const Uri& object, std::string_view sha256);

}  // namespace rtenv::remote
