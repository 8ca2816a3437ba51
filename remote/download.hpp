// Downloads an object to a file: a large one in parts over several connections, if they are tied to
// one version. Computes the SHA-256 on the way, of the bytes that are written, and compares them
// with the store's checksum. Memory doesn't grow with the object's size.
#pragma once

#include <functional>
#include <optional>

#include "remote/object_store.hpp"

namespace rtenv::remote {

/// Reports progress; called by one thread at a time.
using OnProgress =
    std::function<void(std::uint64_t done_bytes, std::optional<std::uint64_t> total_bytes)>;

struct DownloadOptions {
  unsigned connections = 4;
  OnProgress on_progress;
  const Cancellation* cancellation = nullptr;
  bool will_be_synced = false;  // then writing to the disk begins while more arrives
};

struct Downloaded {
  ObjectInfo info;
  std::string sha256;  // lower-case hex
  std::string xxh3;    // XXH3-128, the same
};

/// `info`: from the store's stat. `target` must not exist; it is removed after a failure.
/// If the object is replaced meanwhile, the new one is downloaded. What doesn't have the store's
/// checksum is downloaded once more. Fails: corrupt (it differs from the URI's pin, or again from
/// the checksum), changed (it kept changing), out_of_space, already_exists, cancelled, and as the
/// store.
Result<Downloaded> download(ObjectStore& store, const Uri& object, ObjectInfo info,
                            const Path& target, const DownloadOptions& options);

/// An empty regular file, open for reading and writing.
struct DownloadTarget {
  const Fd& file;
  std::string shown;
};

/// As `download`; after a failure the file is empty.
Result<Downloaded> download_to(ObjectStore& store, const Uri& object, ObjectInfo info,
                               const DownloadTarget& target, const DownloadOptions& options);

/// The error (corrupt) of an object whose digest differs from its URI's pin.
Failure fail_pin(const Uri& object, std::string_view sha256);

}  // namespace rtenv::remote
