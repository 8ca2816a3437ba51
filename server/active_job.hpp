// An unfinished job: its record, where it stands, and its supervisor. A value of JobRunner.
#pragma once

#include <memory>
#include <optional>

#include "job/run_state.hpp"
#include "server/broadcast.hpp"
#include "server/budget.hpp"
#include "server/job_record.hpp"
#include "server/job_state.hpp"
#include "server/log_watcher.hpp"
#include "server/scheduler.hpp"
#include "server/supervisor_link.hpp"

namespace rtenv::server {

struct ActiveJob {
  ActiveJob(JobRecord job, JobState first, const boost::asio::any_io_executor& executor)
      : record(std::move(job)),
        stage(first),
        link(executor),
        changed(std::make_shared<Broadcast>(executor)) {}

  JobRecord record;
  JobStage stage;
  SupervisorLink link;
  /// What it occupies. It is in the row, too, before the supervisor hears of it.
  std::optional<Allocation> allocation;
  std::optional<Stop> stored_stop;  // of the record's stop, what is on the disk
  pid_t supervisor_pid = 0;         // as it said last
  /// What JobRunner::watch_stop does about it.
  enum class StopWatch : std::uint8_t { none, waits_for_supervisor, killed_supervisor };
  StopWatch stop_watch = StopWatch::none;
  /// Why its supervisor couldn't be started yet; empty: nothing is wrong.
  std::string obstacle;
  /// An earlier server started its supervisor: if that is lost before the entrypoint runs, the job
  /// begins again.
  bool inherited = false;
  Budget::Share memory;  // of its submission
  std::shared_ptr<Broadcast> changed;
  std::weak_ptr<LogWatcher::Watch> watch;

  /// As the API says it: "queued", "preparing", "ready", "running", "ended".
  [[nodiscard]] std::string_view phase_name() const;
  [[nodiscard]] std::int64_t number() const noexcept { return record.number; }
};
using ActivePtr = std::shared_ptr<ActiveJob>;

}  // namespace rtenv::server
