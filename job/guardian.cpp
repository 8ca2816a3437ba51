#include "job/guardian.hpp"

#include <sys/wait.h>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "job/process_tree.hpp"
#include "job/run_state.hpp"

namespace rtenv::job {

int guard(pid_t supervisor, const Path& job_folder, Fd control, const sigset_t& taken) {
  bool supervisor_ended = false;
  bool in_order = false;
  while (!supervisor_ended) {
    const int number = ::sigwaitinfo(&taken, nullptr);
    if (number == SIGTERM)
      ::kill(supervisor, SIGTERM);  // whoever signals the job by this process means the job
    reap([&](const Reaped& reaped) {
      if (reaped.pid != supervisor) return;
      supervisor_ended = true;
      in_order = WIFEXITED(reaped.status) && WEXITSTATUS(reaped.status) == 0;
    });
  }
  if (in_order) return 0;
  kill_descendants();
  const JobFolder folder{job_folder};
  RunState state = folder.read_state().value_or(RunState{});
  if (state.phase == RunPhase::running) {  // before that, nothing of the job ran: another
                                           // supervisor may begin anew
    state.phase = RunPhase::ended;
    state.outcome = Outcome::died;
    state.ended_ms = unix_ms();
    if (const auto written = folder.write_state(state); !written)
      log::warn("{}", written.error().message());
  }
  control.reset();
  return 1;
}

}  // namespace rtenv::job
