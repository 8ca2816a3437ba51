// Where an unfinished job stands in this server.
//
//   unbegun ───┬─────────────────────────┐
//              ▼                         ▼
//         setting_up ────▶ ready ───▶ granting ───▶ granted ───▶ running ───▶ ended
//
// Each state may change to `ended`. A job without a set-up goes from unbegun to granting directly;
// one that needs no resources is granted from the beginning, and set up in that state. From
// setting_up and ready a job returns to unbegun if the supervisor that an earlier server started is
// lost. A job whose supervisor an earlier server started begins as taken_over, and goes from there
// to what its supervisor says: unbegun, setting_up, ready, granted, running or ended.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string_view>

namespace rtenv::server {

enum class JobState : std::uint8_t {
  unbegun,     // has no supervisor, and no permission to run its entrypoint
  setting_up,  // its supervisor prepares its directory and environment
  ready,       // its supervisor waits for resources
  granting,    // has its resources; the permission to run is being stored
  granted,     // permission and resources are stored; its supervisor may not be started yet
  running,     // the entrypoint runs
  taken_over,  // an earlier server started its supervisor, which hasn't told its state yet
  ended,
};

std::string_view name(JobState state) noexcept;

/// Whether a job may change from one state to the other.
bool may_follow(JobState from, JobState to) noexcept;

/// A bug of this program. What it would do next can't be trusted: the server ends in order, and the
/// next one goes on from what is on the disk.
class WrongTransition : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// The state of one job.
class JobStage {
 public:
  explicit JobStage(JobState first) : state_(first) {}
  /// Throws WrongTransition if it may not follow, and stays as it is.
  void become(JobState next);
  [[nodiscard]] bool is(JobState state) const noexcept { return state_ == state; }
  [[nodiscard]] JobState state() const noexcept { return state_; }

 private:
  JobState state_;
};

}  // namespace rtenv::server
