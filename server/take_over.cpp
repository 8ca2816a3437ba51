#include "server/take_over.hpp"

#include "base/log.hpp"
#include "job/process_tree.hpp"
#include "server/hung_supervisor.hpp"
#include "server/job_end.hpp"
#include "server/job_runner.hpp"
#include "server/run_on.hpp"
#include "server/spawn.hpp"

namespace rtenv::server {

namespace asio = boost::asio;
using job::RunPhase;
using job::RunState;

namespace {

constexpr auto k_first_pause = std::chrono::milliseconds(10);
constexpr auto k_longest_pause = std::chrono::milliseconds(500);
constexpr auto k_kill_time = std::chrono::seconds(1);
constexpr const char* k_moved =
    "The server's state was copied or moved to another file system while the job ran. Its "
    "processes belong to the folder where they began, and go on.";

}  // namespace

std::optional<RunState> end_of_unsupervised(const JobRecord& record,
                                            const Result<std::optional<RunState>>& state,
                                            bool begins_again, std::string_view boot_id) {
  if (!state)
    return died(
        fmt::format("The job may have run, so it isn't run again: {}.", state.error().message()));
  const RunState* const known = *state ? &**state : nullptr;
  if (known != nullptr && known->phase == RunPhase::ended && has_run(*known)) return *known;
  // Without a permission nothing has run, and what the folder says may be older than a power cut.
  const bool rebooted = record.launched && (record.boot_id != boot_id ||
                                            (known != nullptr && known->boot_id != boot_id));
  if (rebooted) return died("The machine was restarted while the job ran or was about to run.");
  if (known != nullptr && known->phase == RunPhase::running) return died({});
  return begins_again ? std::nullopt : std::optional(died({}));
}

namespace {

// Version 1 of the store had no GPUs: the supervisor's state has them. Without one, nothing has
// run, and the job waits for GPUs once more.
void add_gpus_of_version_1(JobRecord& record, const job::JobFolder& folder) {
  if (!record.launched || record.submission.demand.gpus <= 0 || !record.gpus.empty()) return;
  const auto state = folder.read_state();
  if (state && *state) record.gpus = (*state)->gpus;
  if (state && record.gpus.empty()) record.launched = false;
}

}  // namespace

void JobRunner::take_over(std::vector<JobRecord> records,
                          const std::unordered_set<std::string>& folders, Budget& memory) {
  for (JobRecord& record : records) {
    const bool has_folder = folders.contains(record.run_id);
    const auto active = add(std::move(record), JobState::taken_over);
    active->inherited = true;
    active->stored_stop = active->record.stop;
    active->memory = Budget::Share(memory);
    // It was within the limit of the earlier server.
    [[maybe_unused]] const bool fits = active->memory.grow(active->record.submission.memory_bytes);
    add_gpus_of_version_1(active->record, folder(active->record.key()));
    // What the row says is occupied, whatever its supervisor will say.
    if (active->record.launched && active->record.boot_id == boot_id_) {
      active->allocation =
          Allocation{.demand = active->record.submission.demand, .gpus = active->record.gpus};
      scheduler_.occupy(*active->allocation);
    }
    if (has_folder) {
      spawn(executor_, follow_supervisor(active));
      if (active->record.stop) watch_stop_of(active);
      continue;
    }
    if (const auto ended = end_of_unsupervised(active->record, std::optional<RunState>(),
                                               active->inherited, boot_id_))
      end(active, *ended);
    else
      begin_again(active);
  }
}

// Until the job has ended, or its supervisor and its guardian have.
asio::awaitable<void> JobRunner::follow_supervisor(ActivePtr active) {
  do {
    while (const auto state = co_await active->link.next_state()) on_state(active, *state);
    if (active->stage.is(JobState::ended) || draining_) co_return;
  } while (co_await reconnect(active));
  if (!active->stage.is(JobState::ended) && !draining_) co_await settle(active);
}

// False if nobody holds the job's lock. However long that takes: a supervisor may not listen yet,
// and a guardian may be ending processes that don't end at once.
asio::awaitable<bool> JobRunner::reconnect(ActivePtr active) {
  for (auto time = k_first_pause;; time = std::min(2 * time, k_longest_pause)) {
    co_await pause(time);
    std::function<SupervisorProbe()> work = [folder = folder(active->record.key())] {
      return probe_supervisor(folder);
    };
    auto probe = co_await run_on(workers_, std::move(work));
    if (!probe.lives || draining_ || active->stage.is(JobState::ended)) co_return false;
    if (probe.connection) {
      if (probe.guardian) children_.add(std::move(probe.guardian));
      active->link.open(std::move(probe.connection));
      if (active->record.stop) active->link.send_stop(*active->record.stop);
      co_return true;
    }
  }
}

// The supervisor and its guardian have ended.
asio::awaitable<void> JobRunner::settle(ActivePtr active) {
  const bool begins_again = active->inherited || !active->obstacle.empty();
  struct Settled {
    std::optional<RunState> ended;
    bool has_processes = false;
  };
  const std::function<Settled()> settle_once = [this, record = active->record, begins_again] {
    const job::JobFolder job_folder = folder(record.key());
    Settled settled{
        .ended = end_of_unsupervised(record, job_folder.read_state(), begins_again, boot_id_)};
    auto& ended = settled.ended;
    if (ended && ended->outcome == job::Outcome::died && record.boot_id == boot_id_) {
      settled.has_processes = !kill_processes(job_folder, k_kill_time);
      if (job::has_marked(job::job_mark(record.run_id))) ended->error = k_moved;
    }
    return settled;
  };
  Settled settled;
  // What a process in the kernel has, such as a GPU, can't be given to another job.
  for (int round = 0; round == 0 || settled.has_processes; ++round) {
    if (round == 1) log::warn("job {}: waiting for its killed processes", active->record.id());
    if (round > 0) co_await pause(k_longest_pause);
    std::function<Settled()> work = settle_once;
    settled = co_await run_on(workers_, std::move(work));
    if (active->stage.is(JobState::ended) || draining_) co_return;
  }
  if (settled.ended) co_return end(active, *settled.ended);
  if (!active->obstacle.empty()) co_await pause(k_retry_pause);
  if (!active->stage.is(JobState::ended) && !draining_) begin_again(active);
}

}  // namespace rtenv::server
