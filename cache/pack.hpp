// An entry as one file that another machine can take over: a .tar.zst whose first entry,
// .rtenv-pack.json, is its manifest. The same entry gives the same bytes wherever it lies, for as
// long as its filter takes out what depends on the place.
//
//   {"format": 1, "kind": "env", "key": "…", "digest": "…", "properties": {…}, "files": {"bin/x":
//   "…", …}}
//
// `digest` is of the whole content as packed, `files` of each file; both are looked at before an
// unpacked entry is used. They tell a damaged pack, not a forged one: who may write to where packs
// lie decides what runs.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/cancellation.hpp"
#include "cache/kind.hpp"
#include "cache/tree_digest.hpp"
#include "pkg/byte_sink.hpp"

namespace rtenv::cache {

/// What differs between an entry on this disk and in its pack. Thread-safe.
class PackFilter {
 public:
  virtual ~PackFilter() = default;
  /// Text that takes the place of a file's own content; nothing: it is packed as it is.
  virtual Result<std::optional<std::string>> replace_content(const TreeItem& item,
                                                             const Path& file) = 0;
  /// A link's target in the pack; nothing: it is left out. Requires of the result: it leads to
  /// within the entry.
  virtual Result<std::optional<std::string>> replace_link(const TreeItem& item) = 0;
  /// For whoever unpacks; asked for after all the others.
  virtual Result<nlohmann::json> properties() = 0;
};
using MakePackFilter = std::function<Result<std::unique_ptr<PackFilter>>(const Path& entry)>;

struct PackOptions {
  unsigned threads = 1;
  const Cancellation* cancellation = nullptr;
};

struct PackManifest {
  EntryName entry;
  std::string digest;
  nlohmann::json properties;
  nlohmann::json files;  // path: digest
};

/// Writes the entry that lies in `folder`, under somebody's lease. Without a filter: as it is.
/// Fails: invalid_argument (a link out of the entry, a device), unavailable (it changes meanwhile),
/// and as read, the sink.
Result<void> write_pack(const Path& folder, const EntryName& entry, PackFilter* filter,
                        pkg::ByteSink sink, const PackOptions& options);

/// Fails: corrupt (not a pack), invalid_argument (of a newer rtenv).
Result<PackManifest> read_pack_manifest(const Path& pack);

/// Unpacks into `folder`, which must not be there, and checks every digest. Fails: corrupt, and as
/// pkg::unpack.
Result<void> unpack_pack(const Path& pack, const PackManifest& manifest, const Path& folder,
                         const PackOptions& options);

/// Makes what was unpacked into `folder` fit for the path at which it will lie; refuses it by
/// failing.
using Relocate = std::function<Result<void>(const Path& folder, const Path& final_path,
                                            const nlohmann::json& properties)>;

struct Relocation {
  Path final_path;
  Relocate relocate;  // may be empty
};

/// Unpacks into `scratch`, an empty folder on the target's file system, lets it arrive, and moves
/// it to `target`. Fails: as unpack_pack, `arrive`, rename.
Result<void> take_over_pack(const Path& pack, const PackManifest& manifest, const Path& scratch,
                            const Path& target, const Relocation& relocation,
                            const PackOptions& options);

}  // namespace rtenv::cache
