// What a process and its children see of the file system that others don't: an overlay over a
// cached tree, such as a job's directory, and a cache that is read-only, also for root. The mounts
// are in a mount namespace of their own (namespaces(7)) and vanish with its last process.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"

namespace rtenv {

/// An overlay mount at `target()`, which shows the tree `lower`; changes go to `folder`.
struct Overlay {
  Path lower;
  Path folder;  // see make_overlay_folders
  std::string name = "working_dir";
  [[nodiscard]] Path target() const { return folder / name; }
};

class MountPlan {
 public:
  struct Inputs {
    std::optional<Overlay> overlay;
    Path read_only;
    std::vector<Path> writable;  // below `read_only`
    /// Mount in a user namespace of its own, with this process's user and group as the only ones:
    /// what a user other than root can do.
    bool own_user_namespace = false;
  };
  explicit MountPlan(const Inputs& inputs);

  /// Moves the calling process into new namespaces and mounts there. Async-signal-safe. The process
  /// must have one thread. Returns null, or what can't be done, with errno.
  [[nodiscard]] const char* enter() const noexcept;

  /// Allows a further call of `enter` after one that may have mounted the overlay before it failed,
  /// or whose mounts are gone. Fails: as renew_overlay.
  [[nodiscard]] Result<void> renew() const;

  [[nodiscard]] bool has_own_user_namespace() const noexcept { return own_user_namespace_; }

  /// Enters in a child process, which then exits. Fails: by the errno of `enter`.
  [[nodiscard]] Result<void> try_out() const;

 private:
  [[nodiscard]] bool map_ids() const noexcept;

  bool own_user_namespace_;
  std::string uid_map_;
  std::string gid_map_;
  std::string overlay_folder_;  // empty: no overlay
  std::string overlay_target_;
  std::string overlay_options_;
  std::string read_only_;
  std::vector<std::string> writable_;
};

/// Creates the folders that an overlay needs in its folder: upper, work and the target. Fails: by
/// the errno of mkdir(2).
Result<void> make_overlay_folders(const Overlay& overlay);

/// Allows a further mount of an overlay that was mounted: its changes are kept. Fails: as
/// remove_tree and mkdir(2).
Result<void> renew_overlay(const Overlay& overlay);

/// Whether it is the folder of an overlay to which nothing was written, and has nothing else in it.
bool is_unchanged_overlay(const Path& folder);

}  // namespace rtenv
