#include "server/job_manager.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <thread>

#include "base/boot_id.hpp"
#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/json_text.hpp"
#include "base/log.hpp"
#include "base/process.hpp"
#include "job/control_socket.hpp"
#include "job/job_id.hpp"
#include "job/job_log.hpp"
#include "job/job_order.hpp"
#include "job/process_tree.hpp"
#include "job/supervisor.hpp"
#include "server/job_end.hpp"
#include "server/job_packages.hpp"
#include "server/utf8_text.hpp"

namespace rtenv::server {

namespace asio = boost::asio;
using job::Outcome;
using job::RunPhase;
using job::RunState;

namespace {

// The end of the log that is quoted in the message of a failed job, as in Ray.
constexpr std::size_t k_message_log_bytes = 20'000;
constexpr auto k_lock_poll = std::chrono::milliseconds(10);
constexpr auto k_lock_time_limit = std::chrono::seconds(10);
constexpr auto k_write_pause = std::chrono::seconds(1);
constexpr auto k_expiry_interval = std::chrono::seconds(30);
constexpr std::int64_t k_expired_at_once = 500;

std::size_t max_starting() { return 2 * std::max(1U, std::thread::hardware_concurrency()) + 2; }

std::string unreadable_state(const Error& error) {
  return fmt::format("The job may have run, so it isn't run again: {}.", error.message());
}

std::string start_message(const std::vector<int>& gpus) {
  return json_text({{"start", {{"gpus", gpus}}}}) + "\n";
}

}  // namespace

struct JobManager::Active {
  Active(JobRecord job, const asio::any_io_executor& executor)
      : record(std::move(job)), changed(std::make_shared<Broadcast>(executor)), link(executor) {}

  JobRecord record;
  RunPhase phase = RunPhase::preparing;
  std::shared_ptr<Broadcast> changed;
  std::weak_ptr<LogWatcher::Watch> watch;
  asio::local::stream_protocol::socket link;  // to the supervisor; open while it is connected
  std::optional<Allocation> allocation;
  bool starting = false;  // counted in starting_
  bool granted = false;   // the supervisor has permission to start the entrypoint
  bool stop_requested = false;
  bool adopted = false;  // its supervisor was started by an earlier server
  bool ended = false;
  std::string outbox;  // for the supervisor
  bool sending = false;
};

Result<std::unique_ptr<JobManager>> JobManager::open(asio::any_io_executor executor,
                                                     ManagerOptions options,
                                                     JobPackages& packages) {
  RTENV_TRY(make_directories(options.state_dir / "jobs"));
  if (::chmod(options.state_dir.c_str(), 0700) != 0 ||
      ::chmod((options.state_dir / "jobs").c_str(), 0700) != 0)
    return fail_errno("protect", options.state_dir.native());
  RTENV_TRY(auto lock, LockFile::try_acquire(options.state_dir / "lock"));
  if (!lock)
    return fail(Errc::unavailable, "another rtenv serve uses the state in {}",
                options.state_dir.native())
        .hint("stop the other server, or use another --state-dir");
  const Path database = options.state_dir / "jobs.db";
  RTENV_TRY(auto reader, JobStore::open(database));
  RTENV_TRY(auto writer, JobStore::open(database));
  std::unique_ptr<JobManager> manager(new JobManager(std::move(executor), std::move(options),
                                                     packages, std::move(reader), std::move(writer),
                                                     std::move(*lock)));
  RTENV_TRY(manager->adopt());
  asio::co_spawn(manager->executor_, manager->collect_expired(), asio::detached);
  return manager;
}

JobManager::JobManager(asio::any_io_executor executor, ManagerOptions options,
                       JobPackages& packages, JobStore reader, JobStore writer, LockFile lock)
    : executor_(std::move(executor)),
      options_(std::move(options)),
      packages_(packages),
      reader_(std::move(reader)),
      lock_(std::move(lock)),
      boot_id_(boot_id()),
      scheduler_(options_.node, options_.max_running),
      logs_(executor_),
      expiry_(executor_),
      writer_(std::move(writer)) {}

JobManager::~JobManager() = default;

// GCC 12 copies converted temporaries of a co_await expression bitwise: hence the named variables.
asio::awaitable<Result<void>> JobManager::commit(StoreWriter::Work work) {
  auto start = [this, &work](auto handler) {
    // By pointer: a std::function must be copyable.
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    writer_.write(std::move(work), [shared, executor = executor_](Result<void> done) {
      asio::post(executor, [shared, done = std::move(done)]() mutable {
        std::move (*shared)(std::move(done));
      });
    });
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Result<void>)>(
      start, asio::use_awaitable);
}

void JobManager::write_later(const JobRecord& record) {
  writer_.write([record](JobStore& store) { return store.update(record); },
                [id = record.id()](const Result<void>& done) {
                  if (!done) log::warn("job {}: {}", id, done.error().message());
                });
}

asio::awaitable<Result<std::string>> JobManager::submit(Submission submission) {
  if (draining_) co_return fail(Errc::unavailable, "the server is shutting down");
  if (scheduler_.waiting() + unstarted_.size() >= options_.max_queued)
    co_return fail(Errc::unavailable, "{} jobs are already waiting, the limit of this server",
                   options_.max_queued)
        .hint("try again later");
  if (submission.id.empty()) submission.id = job::make_job_id();
  const std::string id = submission.id;
  const auto exists = [&] {
    return fail(Errc::already_exists,
                "Job with submission_id {} already exists. Please use a different submission_id.",
                id);
  };
  if (active_.contains(id) || !submitting_.insert(id).second) co_return exists();
  struct Submitting {
    std::unordered_set<std::string>& ids;
    const std::string& id;
    ~Submitting() { ids.erase(id); }
  } const submitting{submitting_, id};
  const auto before = reader_.find(id);
  if (!before) co_return Failure(before.error());
  if (*before) co_return exists();

  const auto uris = JobPackages::named_by(submission.runtime_env);
  if (!uris.empty())
    if (auto held = co_await packages_.hold(uris, id); !held) {
      packages_.release(uris, id);
      co_return Failure(std::move(held).error());
    }

  const auto active =
      std::make_shared<Active>(JobRecord{.submission = std::move(submission)}, executor_);
  JobRecord& record = active->record;
  record.start_ms = unix_ms();
  record.message = pending_message(record.submission);
  const auto never = scheduler_.why_unsatisfiable(record.submission.demand);
  if (never) {
    record.status = JobStatus::failed;
    record.end_ms = record.start_ms;
    record.error_type = error_type::k_unschedulable;
    record.message = fmt::format(
        "Job can't start: it is waiting for resources that will never be there: {}.", *never);
  } else if (record.submission.has_setup() ? can_start_immediately(record) : unstarted_.empty()) {
    // It doesn't have to wait: the permission to start is stored together with the job.
    active->allocation = scheduler_.try_start(record.submission.demand);
    record.launched = active->allocation.has_value();
    record.boot_id = boot_id_;
  }
  const auto added = std::make_shared<std::int64_t>();
  StoreWriter::Work add = [record, added](JobStore& store) mutable -> Result<void> {
    RTENV_TRY(store.add(record));
    *added = record.number;
    return {};
  };
  auto committed = co_await commit(std::move(add));
  if (!committed) {
    if (active->allocation) scheduler_.release(*active->allocation);
    packages_.release(uris, id);
    co_return Failure(std::move(committed).error());
  }
  record.number = *added;
  if (never) {
    packages_.release(uris, id);
  } else {
    active_.emplace(id, active);
    begin(active);
  }
  co_return id;
}

// It needs nothing that other jobs could occupy.
bool JobManager::can_start_immediately(const JobRecord& record) const {
  return record.submission.demand.empty() && options_.max_running == 0;
}

// A job with a setup is prepared first and waits for resources afterwards: a setup needs none.
void JobManager::begin(const ActivePtr& active) {
  if (active->allocation || active->record.submission.has_setup())
    unstarted_.emplace(active->record.number, active);
  else
    enqueue(active);
  asio::post(executor_, [this] { dispatch(); });
}

void JobManager::enqueue(const ActivePtr& active) {
  waiting_.emplace(active->record.number, active);
  scheduler_.enqueue(active->record.number, active->record.submission.demand);
}

void JobManager::dispatch() {
  if (draining_) return;
  for (auto& start : scheduler_.starts()) {
    const auto found = waiting_.find(start.number);
    const ActivePtr active = found->second;
    waiting_.erase(found);
    active->allocation = std::move(start.allocation);
    asio::co_spawn(executor_, grant(active), asio::detached);
  }
  start_supervisors();
}

// A few at a time: a thousand processes that start together all start late.
void JobManager::start_supervisors() {
  while (!draining_ && !unstarted_.empty() && starting_ < max_starting()) {
    const ActivePtr active = unstarted_.begin()->second;
    unstarted_.erase(unstarted_.begin());
    if (const auto started = start_supervisor(active); !started)
      fail_start(active, started.error());
  }
}

// The entrypoint may start. That is stored first, so that it never starts twice.
asio::awaitable<void> JobManager::grant(ActivePtr active) {
  if (!active->record.launched || active->record.boot_id != boot_id_) {
    active->record.launched = true;
    active->record.boot_id = boot_id_;
    StoreWriter::Work update = [record = active->record](JobStore& store) {
      return store.update(record);
    };
    const auto written = co_await commit(std::move(update));
    if (!written) {
      fail_start(active, written.error());
      co_return;
    }
  }
  if (active->ended || draining_) co_return;  // after a shutdown the next server grants
  if (!active->link.is_open()) {
    unstarted_.emplace(active->record.number, active);
    start_supervisors();
    co_return;
  }
  active->granted = true;
  send(active, start_message(active->allocation->gpus));
}

Result<void> JobManager::start_supervisor(const ActivePtr& active) {
  const JobRecord& record = active->record;
  const job::JobFolder place = folder(record.id());
  RTENV_TRY(make_directories(place.path));
  if (::chmod(place.path.c_str(), 0700) != 0) return fail_errno("protect", place.path.native());
  // Locked before the process exists: a job never looks as if it had no supervisor.
  RTENV_TRY(const auto lock, LockFile::try_acquire(place.lock()));
  if (!lock) return fail(Errc::unavailable, "job {} has a supervisor already", record.id());
  RTENV_TRY(auto sockets, job::make_socket_pair());
  SpawnOptions spawn{
      .argv = {"/proc/self/exe", "supervise", place.path.native(),
               std::to_string(sockets.theirs.get()), std::to_string(lock->fd().get())},
      .environment = options_.environment,
      .null_input = true,
      .own_group = false,
      .keep_fds = {sockets.theirs.get(), lock->fd().get()}};
  RTENV_TRY(auto child, ChildProcess::spawn(spawn));
  child.detach();  // reap_children waits for it
  active->link.assign(asio::local::stream_protocol(), sockets.ours.release());
  active->starting = true;
  ++starting_;

  const Demand& demand = record.submission.demand;
  job::JobOrder order{.id = record.id(),
                      .entrypoint = record.submission.entrypoint,
                      .runtime_env = record.submission.runtime_env,
                      .metadata = record.submission.metadata,
                      .python = options_.python,
                      .env_max_age = options_.env_max_age,
                      .log = options_.log,
                      .limits = options_.limits,
                      .sandbox = options_.sandbox};
  if (demand.memory_bytes > 0)
    order.limits.memory_bytes = static_cast<std::uint64_t>(demand.memory_bytes);
  if (demand.names_gpus) order.gpu_variable = options_.node.gpu_variable;
  if (active->allocation) {
    order.start = active->allocation->gpus;
    active->granted = true;
  }
  send(active, json_text(to_json(order)) + "\n");
  asio::co_spawn(executor_, listen(active), asio::detached);
  return {};
}

// One write at a time; lines that are added meanwhile go with the next one.
void JobManager::send(const ActivePtr& active, std::string_view line) {
  active->outbox.append(line);
  if (!std::exchange(active->sending, true))
    asio::co_spawn(executor_, flush(active), asio::detached);
}

asio::awaitable<void> JobManager::flush(ActivePtr active) {
  while (!active->outbox.empty()) {
    const std::string data = std::exchange(active->outbox, {});
    // listen() handles a closed connection.
    const auto [error, count] = co_await asio::async_write(active->link, asio::buffer(data),
                                                           asio::as_tuple(asio::use_awaitable));
    if (error) break;
  }
  active->sending = false;
}

asio::awaitable<void> JobManager::listen(ActivePtr active) {
  job::LineBuffer lines;
  std::array<char, 8192> buffer;
  for (;;) {
    const auto [error, count] = co_await active->link.async_read_some(
        asio::buffer(buffer), asio::as_tuple(asio::use_awaitable));
    if (error) break;
    lines.add(std::string_view(buffer.data(), count));
    while (const auto line = lines.next())
      if (const auto state = job::run_state_from_json(json_from_text(*line)))
        on_state(active, *state);
  }
  if (active->ended || draining_) co_return;
  co_await on_disconnect(active);
}

void JobManager::on_state(const ActivePtr& active, const RunState& state) {
  if (active->ended) return;
  active->phase = state.phase;
  const auto has_started = [&] {
    if (std::exchange(active->starting, false)) --starting_;
    asio::post(executor_, [this] { dispatch(); });
  };
  switch (state.phase) {
    case RunPhase::preparing: break;
    case RunPhase::ready:
      if (!active->granted && !waiting_.contains(active->record.number)) enqueue(active);
      has_started();
      break;
    case RunPhase::running:
      if (active->record.status == JobStatus::pending) {
        active->record.status = JobStatus::running;
        active->record.message = "Job is currently running.";
        write_later(active->record);
      }
      has_started();
      break;
    case RunPhase::ended: end(active, state); return;
  }
  active->changed->notify();
}

// The supervisor and its guardian closed the connection: they ended or were killed.
asio::awaitable<void> JobManager::on_disconnect(ActivePtr active) {
  const job::JobFolder place = folder(active->record.id());
  asio::steady_timer pause(executor_);
  const auto deadline = std::chrono::steady_clock::now() + k_lock_time_limit;
  for (;;) {
    const auto lock = LockFile::try_acquire(place.lock());
    if ((lock && *lock) || std::chrono::steady_clock::now() > deadline) break;
    if (draining_) co_return;
    pause.expires_after(k_lock_poll);
    co_await pause.async_wait(asio::use_awaitable);
  }
  if (active->ended) co_return;
  const auto state = place.read_state();
  if (state && *state && (*state)->phase == RunPhase::ended) {
    end(active, **state);
    co_return;
  }
  if (state && active->adopted && (!*state || (*state)->phase < RunPhase::running))
    co_return begin_again(active);
  job::kill_marked(job::job_mark(active->record.id()));
  end(active, died(state ? std::string() : unreadable_state(state.error())));
}

// A supervisor that an earlier server started has ended before the entrypoint started; it may not
// even have received its order.
void JobManager::begin_again(const ActivePtr& active) {
  boost::system::error_code ignored;
  active->link.close(ignored);
  active->adopted = false;
  active->phase = RunPhase::preparing;
  active->granted = false;
  waiting_.erase(active->record.number);
  scheduler_.withdraw(active->record.number);
  if (active->allocation) scheduler_.release(*active->allocation);
  active->allocation.reset();
  if (!active->stop_requested) return begin(active);
  end(active, RunState{.outcome = Outcome::stopped});
}

void JobManager::end(const ActivePtr& active, const RunState& state) {
  if (std::exchange(active->ended, true)) return;
  describe_end(active->record, state, [&] { return last_output(active->record.id()); });
  finish(active);
}

void JobManager::fail_start(const ActivePtr& active, const Error& error) {
  if (std::exchange(active->ended, true)) return;
  active->record.status = JobStatus::failed;
  active->record.error_type = error_type::k_supervisor_start;
  active->record.message = "The supervisor of the job couldn't be started: " + error.message();
  active->record.end_ms = unix_ms();
  finish(active);
}

void JobManager::finish(const ActivePtr& active) {
  active->phase = RunPhase::ended;
  const JobRecord& record = active->record;
  unstarted_.erase(record.number);
  waiting_.erase(record.number);
  scheduler_.withdraw(record.number);
  if (active->allocation) scheduler_.release(*active->allocation);
  active->allocation.reset();
  if (std::exchange(active->starting, false)) --starting_;
  boost::system::error_code ignored;
  active->link.close(ignored);
  packages_.release(JobPackages::named_by(record.submission.runtime_env), record.id());
  active->changed->notify();
  asio::co_spawn(executor_, write_end(active), asio::detached);
  asio::post(executor_, [this] { dispatch(); });
}

// Retries until the end is stored (a full disk may get free space); until then the job stays in
// memory.
asio::awaitable<void> JobManager::write_end(ActivePtr active) {
  asio::steady_timer pause(executor_);
  for (bool warned = false;; warned = true) {
    StoreWriter::Work update = [record = active->record](JobStore& store) {
      return store.update(record);
    };
    const auto written = co_await commit(std::move(update));
    if (written) break;
    if (!warned)
      log::warn("can't store the end of job {}, retrying: {}", active->record.id(),
                written.error().message());
    if (draining_) co_return;
    pause.expires_after(k_write_pause);
    co_await pause.async_wait(asio::use_awaitable);
  }
  active_.erase(active->record.id());
}

std::string JobManager::last_output(const std::string& id) const {
  const auto reader = job::JobLogReader::open(log_file(id));
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

Result<std::optional<JobRecord>> JobManager::find(const std::string& id) {
  if (const auto found = active_.find(id); found != active_.end())
    return std::optional(found->second->record);
  return reader_.find(id);
}

Result<std::vector<JobRecord>> JobManager::list(const JobFilter& filter) {
  RTENV_TRY(auto jobs, reader_.list(filter));
  for (JobRecord& record : jobs)
    if (const auto found = active_.find(record.id()); found != active_.end())
      record = found->second->record;
  if (filter.status)
    std::erase_if(jobs, [&](const JobRecord& record) { return record.status != *filter.status; });
  return jobs;
}

Result<bool> JobManager::stop(const std::string& id) {
  const auto found = active_.find(id);
  if (found == active_.end()) {
    RTENV_TRY(const auto record, reader_.find(id));
    if (!record) return fail(Errc::not_found, "Job {} does not exist", id);
    return false;
  }
  const ActivePtr active = found->second;
  if (active->ended) return false;
  active->stop_requested = true;
  if (active->link.is_open()) {
    send(active, "{\"stop\": true}\n");
    return true;
  }
  end(active, RunState{.outcome = Outcome::stopped});
  return true;
}

asio::awaitable<Result<void>> JobManager::remove(const std::string& id) {
  const auto record = find(id);
  if (!record) co_return Failure(record.error());
  if (!*record) co_return fail(Errc::not_found, "Job {} does not exist", id);
  if (!is_terminal((*record)->status))
    co_return fail(Errc::already_exists,
                   "Attempted to delete job '{}', but it is in a non-terminal state {}.", id,
                   name((*record)->status))
        .hint("stop it first");
  StoreWriter::Work forget = [id](JobStore& store) { return store.remove(id); };
  auto removed = co_await commit(std::move(forget));
  if (!removed) co_return removed;
  active_.erase(id);
  remove_folder(id);
  co_return Result<void>();
}

void JobManager::remove_folder(const std::string& id) {
  if (const auto removed = remove_tree(folder(id).path); !removed)
    log::warn("{}", removed.error().message());
}

JobExtras JobManager::extras(const JobRecord& job) const {
  JobExtras extras{.phase = "ended", .usage = job.usage};
  if (const auto found = active_.find(job.id()); found != active_.end() && !found->second->ended) {
    const Active& active = *found->second;
    extras.phase = active.link.is_open() ? name(active.phase) : "queued";
    if (active.allocation) extras.gpus = active.allocation->gpus;
  }
  if (const auto reader = job::JobLogReader::open(log_file(job.id())))
    extras.log_bytes = reader->size_bytes().value_or(0);
  return extras;
}

std::optional<JobManager::Following> JobManager::follow(const std::string& id) {
  const auto found = active_.find(id);
  if (found == active_.end() || found->second->ended) return std::nullopt;
  Active& active = *found->second;
  auto watch = active.watch.lock();
  if (!watch) {
    watch = logs_.watch(log_file(id), active.changed);
    active.watch = watch;
  }
  return Following{.changed = active.changed, .watch = std::move(watch)};
}

void JobManager::drain() {
  draining_ = true;
  expiry_.cancel();
  for (const auto& [id, active] : active_) active->changed->notify();
}

void JobManager::close() {
  boost::system::error_code ignored;
  for (const auto& [id, active] : active_) active->link.close(ignored);
  logs_.close();
}

void JobManager::reap_children() {
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

Result<void> JobManager::adopt() {
  RTENV_TRY(auto unfinished, reader_.unfinished());
  for (JobRecord& record : unfinished) adopt_one(std::move(record));
  if (!active_.empty()) log::info("took over {} jobs of an earlier server", active_.size());
  asio::post(executor_, [this] { dispatch(); });
  return {};
}

void JobManager::adopt_one(JobRecord record) {
  const auto active = std::make_shared<Active>(std::move(record), executor_);
  active_.emplace(active->record.id(), active);
  const job::JobFolder place = folder(active->record.id());
  const auto lock = LockFile::try_acquire(place.lock());  // fails if the folder doesn't exist
  const auto read_state = place.read_state();
  const auto state = read_state.value_or(std::nullopt);
  const bool same_boot =
      active->record.boot_id == boot_id_ && (!state || state->boot_id == boot_id_);
  if (lock && !*lock) {  // its supervisor is running
    active->adopted = true;
    if (state && state->phase == RunPhase::running) {
      active->allocation =
          Allocation{.demand = active->record.submission.demand, .gpus = state->gpus};
      scheduler_.occupy(*active->allocation);
    }
    if (auto fd = job::connect_to(place.control())) {
      active->link.assign(asio::local::stream_protocol(), fd->release());
      asio::co_spawn(executor_, listen(active), asio::detached);
    } else {  // it is about to end, or has just started
      asio::co_spawn(executor_, on_disconnect(active), asio::detached);
    }
    return;
  }
  if (state && state->phase == RunPhase::ended) return end(active, *state);
  const bool may_have_run = !read_state || (state && state->phase == RunPhase::running) ||
                            (active->record.launched && !same_boot);
  if (!may_have_run) return begin(active);
  if (same_boot) job::kill_marked(job::job_mark(active->record.id()));
  if (!read_state) return end(active, died(unreadable_state(read_state.error())));
  end(active, died(same_boot ? std::string()
                             : "The machine was restarted while the job ran or was about to run."));
}

asio::awaitable<void> JobManager::collect_expired() {
  if (!options_.job_ttl) co_return;
  const auto ttl_ms = std::chrono::milliseconds(*options_.job_ttl).count();
  while (!draining_) {
    if (const auto expired = reader_.ended_before(unix_ms() - ttl_ms, k_expired_at_once))
      for (const std::string& id : *expired) {
        if (active_.contains(id)) continue;
        StoreWriter::Work forget = [id](JobStore& store) { return store.remove(id); };
        if (const auto forgotten = co_await commit(std::move(forget)); forgotten) remove_folder(id);
      }
    expiry_.expires_after(std::min<std::chrono::steady_clock::duration>(
        k_expiry_interval,
        std::max<std::chrono::steady_clock::duration>(*options_.job_ttl, std::chrono::seconds(1))));
    co_await expiry_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

}  // namespace rtenv::server
