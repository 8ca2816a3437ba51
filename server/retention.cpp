#include "server/retention.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/clock.hpp"
#include "base/fault_point.hpp"
#include "base/file.hpp"
#include "base/lock_file.hpp"
#include "base/log.hpp"
#include "job/job_folder.hpp"

namespace rtenv::server {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::steady_clock::duration k_interval = std::chrono::seconds(30);
constexpr std::int64_t k_jobs_at_once = 500;

void remove_unless_supervised(const job::JobFolder& folder) {
  const auto lock = LockFile::try_acquire(folder.lock());
  if (lock && !*lock)
    return log::warn("{} belongs to no job of this server, but its supervisor runs; it stays",
                     folder.path.native());
  pause_point("sweep.begun");
  if (const auto removed = remove_tree(folder.path); !removed)
    log::warn("{}", removed.error().message());
}

}  // namespace

asio::awaitable<void> Retention::run() {
  if (!options_.job_ttl) co_return;
  const auto ttl_ms = std::chrono::milliseconds(*options_.job_ttl).count();
  while (!closed_) {
    std::function<Result<std::vector<JobKey>>(JobStore&)> work =
        [before_ms = unix_ms() - ttl_ms](JobStore& store) {
          return store.ended_before(before_ms, k_jobs_at_once);
        };
    const auto expired = co_await reader_.read(std::move(work));
    std::size_t removed = 0;
    if (expired)
      for (const JobKey& job : *expired)
        if (const auto done = co_await remove(job); done) ++removed;
    if (removed == k_jobs_at_once || closed_) continue;  // there may be more
    timer_.expires_after(std::min(k_interval, std::max<std::chrono::steady_clock::duration>(
                                                  *options_.job_ttl, std::chrono::seconds(1))));
    co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

void Retention::close() {
  closed_ = true;
  timer_.cancel();
}

asio::awaitable<Result<void>> Retention::remove(JobKey job) {
  StoreWriter::Work forget = [number = job.number](JobStore& store) {
    return store.remove(number);
  };
  auto removed = co_await store_.commit(std::move(forget));
  if (!removed) co_return removed;
  // Its supervisor may still clean up, for which it doesn't need the folder.
  std::function<Result<void>()> work = [folder = folder(job.run_id)]() -> Result<void> {
    RTENV_TRY(fault_point("remove.committed"));
    return remove_tree(folder.path);
  };
  const auto gone = co_await run_on(workers_, std::move(work));
  if (!gone) log::warn("{}", gone.error().message());
  co_return removed;
}

void Retention::sweep(const std::vector<std::string>& run_ids) {
  for (const std::string& run_id : run_ids)
    asio::post(workers_, [folder = folder(run_id)] { remove_unless_supervised(folder); });
}

job::JobFolder Retention::folder(const std::string& run_id) const {
  return {options_.state_dir / "jobs" / run_id};
}

}  // namespace rtenv::server
