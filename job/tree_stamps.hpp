// What the kernel says about each path below a folder, recorded so that a later comparison finds
// every path that was changed since.
//
// It relies on the change time (ctime), which each change of a file's content, mode, links or
// attributes sets to the kernel's clock and which programs can't set. That clock has a granularity:
// `settle` waits until any later change gets a later time. A clock that was set back, or another
// boot, makes the stamps worthless; `load` refuses them.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/cancellation.hpp"
#include "base/fd.hpp"

namespace rtenv::job {

struct Stamp {
  std::uint64_t size_bytes = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;
  std::uint64_t inode = 0;
  std::uint32_t mode = 0;  // with the file's type

  friend bool operator==(const Stamp&, const Stamp&) = default;
};

Stamp stamp_of(const struct stat& status);

inline constexpr std::uint32_t k_no_folder = ~std::uint32_t{0};

struct StampedItem {
  Stamp stamp;
  std::uint32_t name_at = 0;           // in TreeStamps::names
  std::uint32_t folder = k_no_folder;  // index of the folder that this item is
};

struct StampedFolder {
  std::uint32_t first = 0;  // of its items, which are adjacent
  std::uint32_t count = 0;
  std::uint32_t parent = k_no_folder;
  std::uint32_t item = 0;  // of the parent, this folder
};

/// Identifies the tree that a copy was made of: a tree that is unpacked again has other times.
struct TreeIdentity {
  std::uint64_t inode = 0;
  std::int64_t created_ns = 0;  // 0: the file system doesn't record it

  friend bool operator==(const TreeIdentity&, const TreeIdentity&) = default;
};

/// Fails: by errno.
Result<TreeIdentity> identity_of(const Path& tree);

/// Plain data; the stamps can be updated by several threads, each at other items.
struct TreeStamps {
  TreeIdentity tree;
  std::uint64_t device = 0;
  /// A folder comes after its parent. The first one contains only the stamped tree itself.
  std::vector<StampedFolder> folders;
  std::vector<StampedItem> items;
  std::string names;  // each followed by a NUL byte

  [[nodiscard]] const char* name(const StampedItem& item) const {
    return names.data() + item.name_at;
  }
  /// The path of a folder relative to the folder that contains the tree.
  [[nodiscard]] Path path_of(const StampedFolder& folder) const;
};

/// Stamps the tree `parent`/`name`. Fails: as the system calls; corrupt (it contains another file
/// system).
Result<TreeStamps> record_stamps(const Path& parent, const std::string& name,
                                 const TreeIdentity& tree, unsigned threads);

/// Waits, usually for no time and at most for a second, until the clock for change times is past
/// all that were recorded. Fails: unavailable (a recorded time is in the future: the clock was set
/// back).
Result<void> settle(const TreeStamps& stamps);

/// Replaces the file atomically. Requires: settle. Fails: as AtomicFile.
Result<void> save_stamps(const TreeStamps& stamps, const Path& file);

/// Fails: corrupt (damaged, or from another boot or a later time), and as open(2).
Result<TreeStamps> load_stamps(const Path& file);

}  // namespace rtenv::job
