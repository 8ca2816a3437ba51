#include "server/job_runner.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <thread>

#include "base/boot_id.hpp"
#include "base/clock.hpp"
#include "base/fault_point.hpp"
#include "base/log.hpp"
#include "job/job_log.hpp"
#include "server/job_end.hpp"
#include "server/job_packages.hpp"
#include "server/run_on.hpp"
#include "server/spawn.hpp"
#include "server/utf8_text.hpp"

namespace rtenv::server {

namespace asio = boost::asio;
using job::Outcome;
using job::RunPhase;
using job::RunState;

namespace {

// The end of the log that is quoted in the message of a failed job, as in Ray.
constexpr std::size_t k_message_log_bytes = 20'000;

StartQueue::Places places(const ManagerOptions& options) {
  return {.starts = 2 * std::max<std::size_t>(1, std::thread::hardware_concurrency()) + 2,
          .setups = options.max_setups};
}

}  // namespace

JobRunner::JobRunner(asio::any_io_executor executor, const ManagerOptions& options,
                     StoreWriter& store, WorkerPool& workers, JobPackages& packages)
    : executor_(std::move(executor)),
      options_(options),
      store_(store),
      workers_(workers),
      packages_(packages),
      boot_id_(boot_id()),
      scheduler_(options_.node, options_.max_running),
      queue_(places(options_)),
      children_(executor_) {}

std::optional<Allocation> JobRunner::reserve(JobRecord& record) {
  const Submission& submission = record.submission;
  // A job with a set-up is prepared first and waits for resources afterwards, as a set-up needs
  // none; it doesn't wait if it needs nothing that others occupy.
  const bool may_start = submission.has_setup()
                             ? submission.demand.empty() && options_.max_running == 0
                             : queue_.starts_are_empty();
  if (!may_start) return std::nullopt;
  auto allocation = scheduler_.try_start(submission.demand);
  if (allocation) record.launch(boot_id_, allocation->gpus);
  return allocation;
}

void JobRunner::begin(JobRecord record, std::optional<Allocation> allocation,
                      Budget::Share memory) {
  const auto active = add(std::move(record), allocation ? JobState::granted : JobState::unbegun);
  active->allocation = std::move(allocation);
  active->memory = std::move(memory);
  enqueue(active);
}

ActivePtr JobRunner::add(JobRecord record, JobState first) {
  auto active = std::make_shared<ActiveJob>(std::move(record), first, executor_);
  active_.emplace(active->record.id(), active);
  active_by_number_.emplace(active->number(), active);
  return active;
}

void JobRunner::enqueue(const ActivePtr& active) {
  const bool has_setup = active->record.submission.has_setup();
  if (active->stage.is(JobState::ready) || (active->stage.is(JobState::unbegun) && !has_setup))
    scheduler_.enqueue(active->number(), active->record.submission.demand);
  else
    queue_.add(active->number(), has_setup ? StartQueue::Kind::setup : StartQueue::Kind::start,
               active->record.submitter);
  dispatch_soon();
}

void JobRunner::dispatch_soon() {
  if (std::exchange(dispatching_, true)) return;
  asio::post(executor_, [this] {
    dispatching_ = false;
    dispatch();
  });
}

void JobRunner::dispatch() {
  if (draining_) return;
  for (auto& start : scheduler_.starts()) {
    const ActivePtr active = active_by_number_.at(start.number);
    active->allocation = std::move(start.allocation);
    active->stage.become(JobState::granting);
    spawn(executor_, grant(active));
  }
  while (const auto number = queue_.take()) spawn(executor_, start(active_by_number_.at(*number)));
}

// The entrypoint may start. That is stored first, so that it never starts twice.
asio::awaitable<void> JobRunner::grant(ActivePtr active) {
  active->record.launch(boot_id_, active->allocation->gpus);
  const bool stored = co_await store_record(active, "start");
  if (!stored || active->stage.is(JobState::ended) || draining_) co_return;
  active->stage.become(JobState::granted);
  if (active->link.is_open())
    active->link.send_start(active->allocation->gpus);
  else
    enqueue(active);
}

asio::awaitable<void> JobRunner::start(ActivePtr active) {
  if (active->stage.is(JobState::unbegun)) active->stage.become(JobState::setting_up);
  std::function<Result<StartedSupervisor>()> work = [folder = folder(active->record.key()), this] {
    return start_supervisor(folder, options_);
  };
  auto started = co_await run_on(workers_, std::move(work));
  // Without an order the supervisor ends, and the next server starts one.
  if (draining_ || active->stage.is(JobState::ended)) co_return;
  if (!started) co_return co_await start_later(active, started.error());
  children_.add(std::move(started->pidfd));
  active->inherited = false;
  active->link.open(std::move(started->connection));
  active->link.send_order(
      order_of(active->record, options_, active->allocation ? &*active->allocation : nullptr));
  pause_point("order.sent");
  if (active->record.stop) active->link.send_stop(*active->record.stop);
  co_await follow_supervisor(active);
}

// Its supervisor couldn't be started.
asio::awaitable<void> JobRunner::start_later(ActivePtr active, Error error) {
  if (job::outcome_of_failed_start(error) != Outcome::not_begun)
    co_return fail_start(active, error);
  log::warn("job {} is started later: {}", active->record.id(), error.message());
  active->obstacle = error.message();
  co_await pause(k_retry_pause);
  if (draining_ || active->stage.is(JobState::ended)) co_return;
  begin_again(active);
}

void JobRunner::on_state(const ActivePtr& active, const RunState& state) {
  if (active->stage.is(JobState::ended)) return;
  active->supervisor_pid = state.supervisor_pid;
  const JobState without_permission =
      state.phase == RunPhase::preparing ? JobState::setting_up : JobState::ready;
  switch (state.phase) {
    case RunPhase::preparing:
      if (active->stage.is(JobState::taken_over))
        advance(active, active->allocation ? JobState::granted : without_permission);
      break;
    case RunPhase::ready:
      queue_.leave(active->number());
      if (active->stage.is(JobState::taken_over) && active->allocation)
        advance(active, JobState::granted);
      if (active->stage.is(JobState::granted)) active->link.send_start(active->allocation->gpus);
      if ((active->stage.is(JobState::taken_over) || active->stage.is(JobState::setting_up)) &&
          advance(active, without_permission))
        enqueue(active);
      break;
    case RunPhase::running: on_running(active, state); break;
    case RunPhase::ended:
      if (has_run(state)) return end(active, state);
      log::warn("job {} is started later: {}", active->record.id(), state.error);
      active->obstacle = state.error;  // the supervisor ends now, and the job begins again
      return;
  }
  active->changed->notify();
  dispatch_soon();
}

// False if what another process says doesn't fit.
bool JobRunner::advance(const ActivePtr& active, JobState next) {
  if (!may_follow(active->stage.state(), next)) {
    log::warn("the supervisor of job {} says that it is {}, which can't follow {}",
              active->record.id(), name(next), name(active->stage.state()));
    return false;
  }
  active->stage.become(next);
  return true;
}

void JobRunner::on_running(const ActivePtr& active, const RunState& state) {
  queue_.leave(active->number());
  active->obstacle.clear();
  if (active->stage.is(JobState::running) || !advance(active, JobState::running)) return;
  active->inherited = false;  // it never begins again
  if (!active->allocation) {  // an older rtenv didn't store it
    active->allocation = Allocation{.demand = active->record.submission.demand, .gpus = state.gpus};
    scheduler_.occupy(*active->allocation);
  }
  if (active->record.status == JobStatus::running) return;
  active->record.status = JobStatus::running;
  active->record.message = "Job is currently running.";
  store_.write([record = active->record](JobStore& store) { return store.update(record); },
               [id = active->record.id()](const Result<void>& done) {
                 if (!done) log::warn("job {}: {}", id, done.error().message());
               });
}

// Nothing of it has run.
void JobRunner::begin_again(const ActivePtr& active) {
  active->link.close();
  active->inherited = false;
  queue_.leave(active->number());
  scheduler_.withdraw(active->number());
  if (active->record.stop) return end(active, RunState{.outcome = Outcome::stopped});
  if (active->stage.is(JobState::granting)) return;  // is enqueued when that is stored
  if (active->stage.is(JobState::taken_over) && active->allocation)
    active->stage.become(JobState::granted);
  if (!active->stage.is(JobState::granted)) active->stage.become(JobState::unbegun);
  enqueue(active);
}

void JobRunner::end(const ActivePtr& active, const RunState& state) {
  if (active->stage.is(JobState::ended)) return;
  RunState shown = state;
  const bool was_killed = active->stop_watch == ActiveJob::StopWatch::killed_supervisor;
  if (was_killed && shown.outcome == Outcome::died) shown.outcome = Outcome::stopped;
  describe_end(active->record, shown, [&] { return last_output(active->record); });
  if (was_killed && active->record.status == JobStatus::stopped)
    active->record.message += " Its supervisor didn't answer and was killed.";
  finish(active);
}

void JobRunner::fail_start(const ActivePtr& active, const Error& error) {
  if (active->stage.is(JobState::ended)) return;
  active->record.status = JobStatus::failed;
  active->record.error_type = error_type::k_supervisor_start;
  active->record.message = "The supervisor of the job couldn't be started: " + error.message();
  active->record.end_ms = unix_ms();
  finish(active);
}

void JobRunner::finish(const ActivePtr& active) {
  active->stage.become(JobState::ended);
  queue_.leave(active->number());
  scheduler_.withdraw(active->number());
  if (active->allocation) scheduler_.release(*active->allocation);
  active->link.close();
  if (!JobPackages::named_by(active->record.submission.runtime_env).empty())
    packages_.release(options_.holder(active->record.run_id));
  active->changed->notify();
  spawn(executor_, store_end(active));
  dispatch_soon();
}

// Until its end is stored the job stays in memory.
asio::awaitable<void> JobRunner::store_end(ActivePtr active) {
  const bool stored = co_await store_record(active, "end");
  if (stored) forget(active->record.key());
}

// Tries again until the record is stored: a full disk may get free space. False if the job leaves
// its state before, or the server shuts down.
asio::awaitable<bool> JobRunner::store_record(ActivePtr active, const char* change) {
  const JobState state = active->stage.state();
  for (bool warned = false;; warned = true) {
    StoreWriter::Work update = [record = active->record](JobStore& store) {
      return store.update(record);
    };
    const auto stored = co_await store_.commit(std::move(update));
    if (stored) co_return true;
    if (!warned)
      log::warn("the {} of job {} can't be stored yet: {}", change, active->record.id(),
                stored.error().message());
    co_await pause(k_retry_pause);
    if (draining_ || !active->stage.is(state)) co_return false;
  }
}

void JobRunner::forget(const JobKey& job) {
  active_by_number_.erase(job.number);
  // A later job may have its id.
  if (const auto found = active_.find(job.id);
      found != active_.end() && found->second->number() == job.number)
    active_.erase(found);
}

std::string JobRunner::last_output(const JobRecord& record) const {
  const auto reader = job::JobLogReader::open(folder(record.key()).log());
  if (!reader) return {};
  const auto size = reader->size_bytes();
  if (!size) return {};
  std::string text(k_message_log_bytes, '\0');
  const auto chunk = reader->read(*size > text.size() ? *size - text.size() : 0, text);
  text.resize(chunk ? chunk->size_bytes : 0);
  Utf8Text utf8;
  std::string shown = utf8.add(text);
  return shown + utf8.finish();
}

std::string JobRunner::why_waiting(const ActiveJob& active) const {
  if (!active.obstacle.empty()) return fmt::format("It can't be started yet: {}.", active.obstacle);
  if (const auto before = scheduler_.place_of(active.number()))
    return fmt::format("It is waiting for resources; {} jobs are before it.", *before);
  if (const auto before = queue_.place_of(active.number()))
    return fmt::format("It is waiting for a place to {}; {} jobs are before it.",
                       active.record.submission.has_setup() ? "be set up" : "start", *before);
  switch (active.stage.state()) {
    case JobState::taken_over: return "Its supervisor doesn't answer this server yet.";
    case JobState::granting: return "Its start is being stored.";
    default:
      return active.record.submission.has_setup() ? "Its runtime environment is being set up."
                                                  : "It is about to start.";
  }
}

ActivePtr JobRunner::find(const std::string& id) const {
  const auto found = active_.find(id);
  return found == active_.end() ? nullptr : found->second;
}

// Ends early when the server shuts down.
asio::awaitable<void> JobRunner::pause(std::chrono::steady_clock::duration time) {
  if (draining_) co_return;
  const auto timer = pauses_.emplace(pauses_.end(), executor_, time);
  co_await timer->async_wait(asio::as_tuple(asio::use_awaitable));
  pauses_.erase(timer);
}

void JobRunner::drain() {
  draining_ = true;
  for (auto& timer : pauses_) timer.cancel();
  for (const auto& [id, active] : active_) active->changed->notify();
}

void JobRunner::close() {
  for (const auto& [id, active] : active_) active->link.close();
  children_.close();
}

}  // namespace rtenv::server
