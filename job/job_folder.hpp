// The folder of one submitted job, and the files in it. Readable by its owner alone. A value: no
// state besides the path.
#pragma once

#include <optional>
#include <string>

#include "base/fd.hpp"
#include "job/run_state.hpp"

namespace rtenv::job {

struct JobFolder {
  Path path;

  [[nodiscard]] Path log() const { return path / "log"; }
  [[nodiscard]] Path state() const { return path / "state"; }
  /// Locked while the supervisor or its guardian lives.
  [[nodiscard]] Path lock() const { return path / "lock"; }
  /// The supervisor's socket.
  [[nodiscard]] Path control() const { return path / "control"; }

  /// The folder's name and identity: of one run alone, also among servers, and among copies of a
  /// server's state.
  [[nodiscard]] std::string run() const;

  /// Replaces the state atomically. Not synced to the disk: after a power cut, the row in the job
  /// store decides. Fails: as AtomicFile.
  [[nodiscard]] Result<void> write_state(const RunState& state) const;
  /// Returns nullopt if there is no state: nothing of the job has run. Fails: corrupt (it isn't a
  /// state), and as read_file: then the job may have run.
  [[nodiscard]] Result<std::optional<RunState>> read_state() const;
};

}  // namespace rtenv::job
