// Starting a job's supervisor, and finding one that an earlier server started. These functions may
// block; call them on a worker's thread.
#pragma once

#include "base/fd.hpp"
#include "job/job_folder.hpp"
#include "job/job_order.hpp"
#include "server/job_record.hpp"
#include "server/manager_options.hpp"
#include "server/scheduler.hpp"

namespace rtenv::server {

/// A supervisor that has just been started. It is this process's child.
struct StartedSupervisor {
  Fd connection;  // for its order
  Fd pidfd;
};
/// Makes the job's folder, and starts a supervisor that holds its lock. Fails: unavailable (the job
/// has a supervisor, or there are too many processes or descriptors), out_of_space.
Result<StartedSupervisor> start_supervisor(const job::JobFolder& folder,
                                           const ManagerOptions& options);

/// The order for a job. `allocation`: null if the job must wait for resources once it is prepared.
job::JobOrder order_of(const JobRecord& record, const ManagerOptions& options,
                       const Allocation* allocation);

/// What can be seen of a job's supervisor from outside.
struct SupervisorProbe {
  bool lives = true;  // or its guardian does
  Fd connection;      // if it lives and takes connections
  /// The pidfd of its guardian, if that is a child of this process: an earlier server here started
  /// it, and nobody has reaped it since that server ended.
  Fd guardian;
};
SupervisorProbe probe_supervisor(const job::JobFolder& folder);

}  // namespace rtenv::server
