// JobRunner: stopping a job, also one whose supervisor hangs.
#include <signal.h>

#include "base/log.hpp"
#include "base/process_stat.hpp"
#include "server/hung_supervisor.hpp"
#include "server/job_end.hpp"
#include "server/job_runner.hpp"
#include "server/run_on.hpp"
#include "server/spawn.hpp"

namespace rtenv::server {

namespace asio = boost::asio;
using job::Outcome;
using job::RunState;
using StopWatch = ActiveJob::StopWatch;

namespace {

constexpr auto k_waking_pause = std::chrono::milliseconds(20);
constexpr int k_wakings = 500;
constexpr auto k_answer_pause = std::chrono::milliseconds(100);
constexpr auto k_guardian_time = std::chrono::seconds(5);  // for ending a job's processes
constexpr auto k_settling_time = std::chrono::seconds(2);

}  // namespace

// The request is stored before it is acknowledged: the next server knows of it. A supervisor that
// can be told now is told even if it can't be stored.
asio::awaitable<Result<bool>> JobRunner::stop(ActivePtr active, Stop how) {
  if (active->stage.is(JobState::ended)) co_return false;
  if (how == Stop::at_once && active->supervisor_pid > 0) spawn(executor_, wake_supervisor(active));
  watch_stop_of(active);
  if (active->stored_stop && *active->stored_stop >= how) co_return true;
  active->record.stop = std::max(active->record.stop.value_or(how), how);
  StoreWriter::Work update = [record = active->record](JobStore& store) {
    return store.update(record);
  };
  auto stored = co_await store_.commit(std::move(update));
  if (active->stage.is(JobState::ended)) co_return true;
  if (active->link.is_open()) {
    if (stored) active->stored_stop = active->record.stop;
    active->link.send_stop(how);
    co_return true;
  }
  if (!stored) {
    active->record.stop = active->stored_stop;
    co_return Failure(std::move(stored).error());
  }
  active->stored_stop = std::max(active->stored_stop.value_or(how), how);
  active->record.stop = active->stored_stop;
  const bool has_no_supervisor =
      active->stage.is(JobState::unbegun) || active->stage.is(JobState::granting) ||
      (active->stage.is(JobState::granted) && queue_.leave(active->number()));
  if (has_no_supervisor && !active->inherited) end(active, RunState{.outcome = Outcome::stopped});
  co_return true;
}

// Its job may have stopped it, and may do so again.
asio::awaitable<void> JobRunner::wake_supervisor(ActivePtr active) {
  for (int i = 0; i < k_wakings && !active->stage.is(JobState::ended) && !draining_; ++i) {
    ::kill(active->supervisor_pid, SIGCONT);
    // Its guardian, which ends after it.
    if (const auto supervisor = process_stat(active->supervisor_pid); supervisor)
      ::kill(supervisor->parent, SIGCONT);
    co_await pause(k_waking_pause);
  }
}

void JobRunner::watch_stop_of(const ActivePtr& active) {
  if (active->stop_watch != StopWatch::none) return;
  active->stop_watch = StopWatch::waits_for_supervisor;
  spawn(executor_, watch_stop(active));
}

// A supervisor that answers stops its job itself, if the job wants that after a long time.
asio::awaitable<void> JobRunner::watch_stop(ActivePtr active) {
  for (bool hangs = false; !hangs;) {
    const bool is_over = co_await has_ended_within(active, options_.longest_silence / 10);
    if (is_over) co_return;
    hangs = co_await is_hung(active);
  }
  co_await end_hung(active);
}

// Whether a job's supervisor or guardian lives, but doesn't answer. A supervisor says its state to
// whoever connects.
asio::awaitable<bool> JobRunner::is_hung(ActivePtr active) {
  Fd connection;
  const auto deadline = std::chrono::steady_clock::now() + options_.longest_silence;
  while (std::chrono::steady_clock::now() < deadline) {
    if (!connection) {
      std::function<SupervisorProbe()> work = [folder = folder(active->record.key())] {
        return probe_supervisor(folder);
      };
      auto probe = co_await run_on(workers_, std::move(work));
      if (!probe.lives) co_return false;
      connection = std::move(probe.connection);
    }
    const bool is_over = co_await has_ended_within(active, k_answer_pause);
    if (is_over || (connection && is_readable(connection))) co_return false;
  }
  co_return true;
}

// By killing the supervisor: its guardian ends the job's processes. If it doesn't, this server does
// that, and the job ends whatever still waits in the kernel.
asio::awaitable<void> JobRunner::end_hung(ActivePtr active) {
  log::warn("the supervisor of job {} doesn't answer, and is killed", active->record.id());
  active->stop_watch = StopWatch::killed_supervisor;
  std::function<bool()> gently = [folder = folder(active->record.key())] {
    kill_supervisor(folder);
    return true;
  };
  co_await run_on(workers_, std::move(gently));
  bool is_over = co_await has_ended_within(active, k_guardian_time);
  if (is_over) co_return;
  std::function<bool()> all = [folder = folder(active->record.key())] {
    kill_all_of_job(folder);
    return true;
  };
  co_await run_on(workers_, std::move(all));
  is_over = co_await has_ended_within(active, k_settling_time);
  if (!is_over) end(active, died({}));
}

// True also if the server shuts down.
asio::awaitable<bool> JobRunner::has_ended_within(ActivePtr active,
                                                  std::chrono::steady_clock::duration time) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  const auto step = std::min<std::chrono::steady_clock::duration>(time, k_answer_pause);
  while (!active->stage.is(JobState::ended) && !draining_ &&
         std::chrono::steady_clock::now() < deadline)
    co_await pause(step);
  co_return active->stage.is(JobState::ended) || draining_;
}

}  // namespace rtenv::server
