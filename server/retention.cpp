#include "server/retention.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/clock.hpp"
#include "base/fault_point.hpp"
#include "base/file.hpp"
#include "base/lock_file.hpp"
#include "base/log.hpp"
#include "job/job_folder.hpp"
#include "server/run_on.hpp"

namespace rtenv::server {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::steady_clock::duration k_interval = std::chrono::seconds(30);
constexpr std::chrono::steady_clock::duration k_shortest_interval = std::chrono::seconds(1);
constexpr std::int64_t k_jobs_at_once = 500;
constexpr std::int64_t k_grace_ms = 60'000;

Result<void> remove_unless_supervised(const job::JobFolder& folder) {
  const auto lock = LockFile::try_acquire(folder.lock());
  if (lock && !*lock) {
    log::warn("{} belongs to no job of this server, but its supervisor runs; it stays",
              folder.path.native());
    return {};
  }
  pause_point("sweep.begun");
  return remove_tree(folder.path);
}

}  // namespace

asio::awaitable<void> Retention::run() {
  while (!closed_) {
    bool has_more = false;
    if (options_.job_ttl) {
      const auto ttl_ms = std::chrono::milliseconds(*options_.job_ttl).count();
      has_more = co_await remove_ended(unix_ms() - ttl_ms, k_jobs_at_once) == k_jobs_at_once;
    }
    if (std::exchange(is_unmeasured_, has_unfinished_())) {
      const bool has_surplus = co_await remove_surplus();
      const bool removed_some = co_await make_space();
      has_more = has_more || has_surplus || removed_some;
      // Time and deletions make space, too.
      is_unmeasured_ = is_unmeasured_ || used_bytes_ > options_.max_jobs_bytes;
    }
    if (closed_) co_return;
    if (has_more) {
      is_unmeasured_ = true;
      continue;
    }
    timer_.expires_after(pause());
    co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

// Where nothing changes, only time does.
Retention::Duration Retention::pause() const {
  const Duration for_folders =
      is_unmeasured_ ? std::clamp<Duration>(100 * measuring_, k_shortest_interval, k_interval)
                     : k_interval;
  if (!options_.job_ttl) return for_folders;
  return std::min(for_folders, std::max<Duration>(*options_.job_ttl, k_shortest_interval));
}

void Retention::job_added() {
  if (!std::exchange(is_unmeasured_, true)) timer_.cancel();
}

Result<void> Retention::check_space() const {
  if (used_bytes_ <= options_.max_jobs_bytes) return {};
  return fail(Errc::out_of_space,
              "the logs and records of jobs use {} bytes, {} is the limit of this server",
              used_bytes_, options_.max_jobs_bytes)
      .hint(
          "delete ended jobs, or try again when running ones have ended; whoever runs the server "
          "can raise the limit");
}

// Returns how many.
asio::awaitable<std::size_t> Retention::remove_ended(std::int64_t before_ms, std::int64_t limit) {
  std::function<Result<std::vector<JobKey>>(JobStore&)> work = [before_ms, limit](JobStore& store) {
    return store.ended_before(before_ms, limit);
  };
  const auto ended = co_await reader_.read(std::move(work));
  std::size_t removed = 0;
  if (ended)
    for (const JobKey& job : *ended) {
      const auto done = co_await remove(job);
      if (done) ++removed;
      warn_of_failure(done);
    }
  co_return removed;
}

// Of those that ended first. Returns whether there may be more.
asio::awaitable<bool> Retention::remove_surplus() {
  std::function<Result<std::int64_t>(JobStore&)> work = [](JobStore& store) {
    return store.ended_count();
  };
  const auto count = co_await reader_.read(std::move(work));
  const auto kept = static_cast<std::int64_t>(options_.max_ended_jobs);
  if (!count || *count <= kept) co_return false;
  const std::int64_t surplus = std::min(*count - kept, k_jobs_at_once);
  co_return co_await remove_ended(unix_ms(), surplus) == static_cast<std::size_t>(k_jobs_at_once);
}

// By removing those that ended first, but not just now: somebody may look at them. Returns whether
// there may be more to remove.
asio::awaitable<bool> Retention::make_space() {
  const auto begin = std::chrono::steady_clock::now();
  std::function<FolderSizes()> measure = [this] {
    return sizes_of_job_folders(options_.state_dir);
  };
  const FolderSizes sizes = co_await run_on(workers_, std::move(measure));
  measuring_ = std::chrono::steady_clock::now() - begin;
  used_bytes_ = sizes.sum() - unremovable_->bytes(sizes);
  if (used_bytes_ <= options_.max_jobs_bytes) co_return false;
  std::function<Result<std::vector<JobKey>>(JobStore&)> work = [](JobStore& store) {
    return store.ended_before(unix_ms() - k_grace_ms, k_jobs_at_once);
  };
  const auto ended = co_await reader_.read(std::move(work));
  if (!ended) co_return false;
  std::size_t removed = 0;
  for (const JobKey& job : *ended) {
    if (used_bytes_ <= options_.max_jobs_bytes) co_return false;
    const auto done = co_await remove(job);
    warn_of_failure(done);
    if (!done) continue;
    ++removed;
    used_bytes_ -= std::min(used_bytes_, sizes.of(job.run_id));
  }
  co_return removed == static_cast<std::size_t>(k_jobs_at_once);
}

// Once until it works again: it is tried every few seconds.
void Retention::warn_of_failure(const Result<void>& done) {
  if (!done && !removals_fail_)
    log::warn("ended jobs can't be removed: {}", done.error().message());
  removals_fail_ = !done;
}

void Retention::close() {
  closed_ = true;
  timer_.cancel();
}

asio::awaitable<Result<void>> Retention::remove(JobKey job) {
  StoreWriter::Work forget = [number = job.number](JobStore& store) {
    return store.remove(number);
  };
  auto removed = co_await store_.commit(forget);
  // Without free space no row can be removed, but a log makes some.
  if (!removed && removed.error().code() == Errc::out_of_space) {
    std::function<Result<void>()> make_room = [log = folder(job.run_id).log()] {
      return remove_tree(log);
    };
    const auto made_room = co_await run_on(workers_, std::move(make_room));
    if (made_room) removed = co_await store_.commit(forget);
  }
  if (!removed) co_return removed;
  // Its supervisor may still clean up, for which it doesn't need the folder.
  std::function<Result<void>()> work = [folder = folder(job.run_id)]() -> Result<void> {
    RTENV_TRY(fault_point("remove.committed"));
    return remove_tree(folder.path);
  };
  const auto gone = co_await run_on(workers_, std::move(work));
  if (!gone) unremovable_->add(job.run_id, gone.error());
  co_return removed;
}

void Retention::sweep(const std::vector<std::string>& run_ids) {
  for (const std::string& run_id : run_ids)
    post_on(workers_, [run_id, folder = folder(run_id), unremovable = unremovable_] {
      if (const auto removed = remove_unless_supervised(folder); !removed)
        unremovable->add(run_id, removed.error());
    });
}

job::JobFolder Retention::folder(const std::string& run_id) const {
  return {options_.state_dir / "jobs" / run_id};
}

}  // namespace rtenv::server
