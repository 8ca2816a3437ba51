#include "server/job_manager.hpp"

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/program.hpp"
#include "base/unique_name.hpp"
#include "job/job_id.hpp"
#include "job/job_log.hpp"
#include "server/job_packages.hpp"
#include "server/spawn.hpp"
#include "server/sqlite_job_store.hpp"
#include "server/state_folder.hpp"

namespace rtenv::server {

namespace asio = boost::asio;

namespace {

constexpr std::size_t k_workers = 4;

Failure no_such_job(const std::string& id) {
  return fail(Errc::not_found, "Job {} does not exist", id);
}

Failure exists_already(const std::string& id) {
  return fail(Errc::already_exists,
              "Job with submission_id {} already exists. Please use a different submission_id.",
              id);
}

// Without it, each job would fail.
Result<void> check_supervisor(const Path& program) {
  constexpr const char* k_hint =
      "name rtenv-supervisor or rtenv, of this version, by ManagerOptions::supervisor_program";
  if (!program.is_absolute())
    return fail(Errc::invalid_argument,
                "the path of the program that supervises jobs must be "
                "absolute, it is '{}'",
                program.native())
        .hint(k_hint);
  if (const auto found = find_program(program.native(), {}); !found)
    return fail(Error(found.error()).with_hint(k_hint));
  return {};
}

Result<std::unique_ptr<JobStore>> open_store(const ManagerOptions& options) {
  if (!options.open_store) return SqliteJobStore::open(options.state_dir / "jobs.db");
  RTENV_TRY(auto store, options.open_store(options.state_dir));
  if (!store) return fail(Errc::internal, "ManagerOptions::open_store returned no store");
  return store;
}

std::shared_ptr<JobRecord> new_record(Submission&& submission, std::string&& submitter) {
  const auto record = std::make_shared<JobRecord>();
  record->run_id = unique_name();
  record->submission = std::move(submission);
  record->submitter = std::move(submitter);
  record->start_ms = unix_ms();
  record->message = pending_message(record->submission);
  return record;
}

}  // namespace

Result<std::unique_ptr<JobManager>> JobManager::open(asio::any_io_executor executor,
                                                     ManagerOptions options,
                                                     JobPackages& packages) {
  RTENV_TRY(check_supervisor(options.supervisor_program));
  RTENV_TRY(auto state, open_state_folder(options.state_dir));
  options.node_id = state.node_id;
  options.owner = state.owner;
  RTENV_TRY(auto reader, open_store(options));
  RTENV_TRY(auto writer, open_store(options));
  RTENV_TRY(auto unfinished, reader->unfinished());
  RTENV_TRY(const auto run_ids, reader->run_ids());
  std::unique_ptr<JobManager> manager(new JobManager(executor, std::move(options), packages,
                                                     std::move(reader), std::move(writer),
                                                     std::move(state.lock)));
  RTENV_TRY(manager->take_over(std::move(unfinished), run_ids));
  spawn(executor, manager->retention_.run());
  return manager;
}

JobManager::JobManager(asio::any_io_executor executor, ManagerOptions options,
                       JobPackages& packages, std::unique_ptr<JobStore> reader,
                       std::unique_ptr<JobStore> writer, LockFile lock)
    : executor_(executor),
      options_(std::move(options)),
      packages_(packages),
      lock_(std::move(lock)),
      logs_(executor),
      reader_(std::move(reader)),
      writer_(std::move(writer)),
      workers_(k_workers),
      runner_(executor, options_, writer_, workers_, packages_),
      retention_(executor, options_, reader_, writer_, workers_,
                 [this] { return runner_.has_unfinished(); }) {}

JobManager::~JobManager() { workers_.join(); }

Result<void> JobManager::take_over(std::vector<JobRecord> unfinished,
                                   const std::unordered_set<std::string>& owned_folders) {
  RTENV_TRY(const auto folders, job_folders(options_.state_dir));
  std::vector<std::string> orphans;
  for (const std::string& folder : folders)
    if (!owned_folders.contains(folder) && is_unique_name(folder)) orphans.push_back(folder);
  retention_.sweep(orphans);
  std::unordered_set<std::string> holders;
  for (const JobRecord& record : unfinished) holders.insert(options_.holder(record.run_id));
  packages_.release_all_but(options_.holder(""), std::move(holders));
  if (!unfinished.empty()) log::info("took over {} jobs of an earlier server", unfinished.size());
  runner_.take_over(std::move(unfinished), folders, submissions_);
  return {};
}

asio::awaitable<Result<std::string>> JobManager::submit(Submission submission,
                                                        std::string submitter) {
  if (draining_) co_return fail(Errc::unavailable, "the server is shutting down");
  if (runner_.waiting() >= options_.max_queued)
    co_return fail(Errc::limit_reached, "{} jobs are already waiting, the limit of this server",
                   options_.max_queued)
        .hint("try again later; whoever runs the server can raise the limit");
  Budget::Share memory(submissions_);
  if (!memory.grow(submission.memory_bytes))
    co_return fail(Errc::limit_reached,
                   "unfinished jobs were submitted with {} bytes, the limit of this server",
                   submissions_.limit())
        .hint("try again later; whoever runs the server can raise the limit");
  if (auto space = retention_.check_space(); !space) co_return Failure(std::move(space).error());
  if (submission.id.empty()) submission.id = job::make_job_id();
  const std::string id = submission.id;
  if (runner_.find(id) || !submitting_.insert(id).second) co_return exists_already(id);
  struct Submitting {
    std::unordered_set<std::string>& ids;
    const std::string& id;
    ~Submitting() { ids.erase(id); }
  } const submitting{submitting_, id};
  const auto before = co_await find_stored(id);
  if (!before && before.error().code() == Errc::corrupt) co_return exists_already(id);
  if (!before) co_return Failure(before.error());
  if (*before) co_return exists_already(id);

  const auto record = new_record(std::move(submission), std::move(submitter));
  const std::string holder = options_.holder(record->run_id);
  const auto uris = JobPackages::named_by(record->submission.runtime_env);
  if (!uris.empty())
    if (auto held = co_await packages_.hold(uris, holder); !held) {
      packages_.release(holder);
      co_return Failure(std::move(held).error());
    }
  const auto never = runner_.why_unsatisfiable(*record);
  std::optional<Allocation> allocation;
  if (never) {
    record->status = JobStatus::failed;
    record->end_ms = record->start_ms;
    record->error_type = error_type::k_unschedulable;
    record->message = fmt::format(
        "Job can't start: it is waiting for resources that will never be there: {}.", *never);
  } else {
    allocation = runner_.reserve(*record);
  }
  StoreWriter::Work add = [record](JobStore& store) { return store.add(*record); };
  auto stored = co_await writer_.commit(std::move(add));
  if (!stored && allocation) runner_.release(*allocation);
  if ((!stored || never) && !uris.empty()) packages_.release(holder);
  if (!stored) co_return Failure(std::move(stored).error());
  retention_.job_added();
  if (!never) runner_.begin(std::move(*record), std::move(allocation), std::move(memory));
  co_return id;
}

asio::awaitable<Result<std::optional<JobRecord>>> JobManager::find_stored(std::string id) {
  std::function<Result<std::optional<JobRecord>>(JobStore&)> work =
      [id = std::move(id)](JobStore& store) { return store.find(id); };
  co_return co_await reader_.read(std::move(work));
}

JobRecord JobManager::described(const ActiveJob& active) const {
  JobRecord record = active.record;
  if (record.status == JobStatus::pending)
    record.message = "Job has not started yet. " + runner_.why_waiting(active);
  return record;
}

asio::awaitable<Result<JobRecord>> JobManager::find(std::string id) {
  if (const auto active = runner_.find(id)) co_return described(*active);
  auto stored = co_await find_stored(id);
  if (!stored && stored.error().code() == Errc::corrupt)
    co_return fail(Errc::internal, "the server can't read the record of job {}", id)
        .hint("whoever runs the server can repair it, or remove it from the job store");
  if (!stored) co_return Failure(std::move(stored).error());
  // It may have been submitted meanwhile.
  if (const auto active = runner_.find(id)) co_return described(*active);
  if (!*stored) co_return no_such_job(id);
  co_return std::move(**stored);
}

asio::awaitable<Result<JobManager::Page>> JobManager::list(JobFilter filter) {
  std::function<Result<std::vector<JobRecord>>(JobStore&)> work = [filter](JobStore& store) {
    return store.list(filter);
  };
  auto stored = co_await reader_.read(std::move(work));
  if (!stored) co_return Failure(std::move(stored).error());
  Page page;
  page.jobs = std::move(*stored);
  page.is_last = static_cast<std::int64_t>(page.jobs.size()) < filter.limit;
  if (!page.jobs.empty()) page.last_number = page.jobs.back().number;
  for (JobRecord& record : page.jobs)
    if (const auto active = runner_.find(record.id()); active && active->number() == record.number)
      record = active->record;
  if (filter.status)
    std::erase_if(page.jobs,
                  [&](const JobRecord& record) { return record.status != *filter.status; });
  co_return page;
}

asio::awaitable<Result<bool>> JobManager::stop(std::string id, Stop how) {
  if (!runner_.find(id))
    if (auto found = co_await find(id); !found) co_return Failure(std::move(found).error());
  const auto active = runner_.find(id);
  if (!active) co_return false;
  co_return co_await runner_.stop(active, how);
}

asio::awaitable<Result<void>> JobManager::remove(std::string id) {
  const auto record = co_await find(id);
  if (!record) co_return Failure(record.error());
  if (!is_terminal(record->status))
    co_return fail(Errc::already_exists,
                   "Attempted to delete job '{}', but it is in a non-terminal state {}.", id,
                   name(record->status))
        .hint("stop it first");
  const JobKey job = record->key();
  auto removed = co_await retention_.remove(job);
  if (removed) runner_.forget(job);
  co_return removed;
}

ActivePtr JobManager::find_active(const JobKey& job) const {
  const auto active = runner_.find(job.id);
  // A later job may have the id of one that was deleted.
  const bool is_it = active && active->number() == job.number;
  return is_it && !active->stage.is(JobState::ended) ? active : nullptr;
}

JobExtras JobManager::extras(const JobRecord& job) const {
  JobExtras extras{.phase = "ended", .usage = job.usage};
  if (const auto active = find_active(job.key())) {
    extras.phase = active->phase_name();
    if (active->allocation) extras.gpus = active->allocation->gpus;
  }
  if (const auto reader = job::JobLogReader::open(log_file(job.key())))
    extras.log_bytes = reader->size_bytes().value_or(0);
  return extras;
}

std::optional<JobManager::Following> JobManager::follow(const JobKey& job) {
  const auto active = find_active(job);
  if (!active) return std::nullopt;
  auto watch = active->watch.lock();
  if (!watch) {
    watch = logs_.watch(log_file(job), active->changed);
    active->watch = watch;
  }
  return Following{.changed = active->changed, .watch = std::move(watch)};
}

void JobManager::drain() {
  draining_ = true;
  retention_.close();
  runner_.drain();
}

void JobManager::close() {
  runner_.close();
  logs_.close();
}

}  // namespace rtenv::server
