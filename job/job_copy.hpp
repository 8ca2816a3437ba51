// Recycled copies of cached trees, for jobs to write to. Copying a tree of thousands of files takes
// longer than most jobs wait; so a copy is kept in the cache when its job has ended, and the next
// job with that tree gets it after what differs was restored.
//
//   copies/KEY/{working_dir/, stamps}
//
// KEY is <the tree's key>-<digest of the folder below it and of what new files depend on>-<unique>.
// The stamps say what each path was when the copy was handed out, see job/tree_stamps.hpp. They are
// removed when a job takes the copy, and written again when it is given back: a copy of a job that
// was killed isn't used again, because processes of that job may still write to it. A copy that
// can't be trusted or repaired is removed, and another one is made.
//
// Where ctime doesn't tell of writes to mapped memory, contents are compared, too.
#pragma once

#include <optional>

#include "cache/cache.hpp"
#include "job/tree_stamps.hpp"

namespace rtenv::job {

struct JobCopyOptions {
  unsigned threads = 0;  // 0: one for each processor, up to a limit
  const Cancellation* cancellation = nullptr;
};

/// A writable copy of a cached tree for one job at a time. It is in the cache and leased; once it
/// is given back, another job may take it. Move-only; not thread-safe.
class JobCopy {
 public:
  /// Whether the stamps of files in this cache tell of changes. Fails: by the errno of stat(2).
  static Result<bool> is_supported(const cache::Cache& cache);

  /// Takes a copy that no other job uses and restores it to be as a new one; makes one if there is
  /// none. `from` is the tree's folder or a folder below it. Requires: is_supported; `tree` lives
  /// as long as the copy. Fails: cancelled, and as Cache::get_or_build, clone_tree and
  /// record_stamps.
  static Result<JobCopy> take(cache::Cache& cache, const cache::Lease& tree, const Path& from,
                              const JobCopyOptions& options);

  /// The working directory; the same while this object lives.
  [[nodiscard]] const Path& path() const noexcept { return path_; }
  /// No other unused copy of the tree was left: time for make_spare_copy.
  [[nodiscard]] bool is_last() const noexcept { return is_last_; }
  /// Removes what the job added and restores the rest, so that the space is free again, and gives
  /// the copy back. After a failure, the copy's files are removed. Requires: all of the job's
  /// processes have ended. Fails: corrupt (the job moved it away), and as repair_tree, settle and
  /// save_stamps.
  Result<void> repair(const JobCopyOptions& options);
  /// Gives the copy back as the job left it: the next job repairs it. Without this the next one
  /// removes it. Repairs it if the job left little space on the disk. Requires: all of the
  /// job's processes have ended. Fails: corrupt (the job moved it away), and as repair.
  Result<void> give_back(const JobCopyOptions& options);

 private:
  JobCopy(cache::Lease lease, Fd folder, Path from, TreeStamps stamps, bool is_last);
  Result<void> check_place();
  Result<void> repair_and_save(const JobCopyOptions& options);

  cache::Lease lease_;
  Fd folder_;  // of the entry
  Path from_;
  Path path_;
  std::optional<TreeStamps> stamps_;  // nullopt: it can't be used again
  bool is_last_;
};

/// Makes one more copy if no unused one is left and the cache's limits allow it. Of several
/// processes, one makes it and the others wait. Fails: as JobCopy::take.
Result<void> make_spare_copy(cache::Cache& cache, const cache::Lease& tree, const Path& from,
                             const JobCopyOptions& options);

}  // namespace rtenv::job
