#include "server/job_state.hpp"

#include <array>

#include <fmt/format.h>

namespace rtenv::server {
namespace {

constexpr std::array<std::string_view, 8> k_names{"unbegun", "setting_up", "ready",      "granting",
                                                  "granted", "running",    "taken_over", "ended"};

constexpr unsigned bit(JobState state) { return 1U << static_cast<unsigned>(state); }

constexpr unsigned next_states(JobState from) {
  using enum JobState;
  switch (from) {
    case unbegun: return bit(setting_up) | bit(granting) | bit(ended);
    case setting_up: return bit(ready) | bit(unbegun) | bit(ended);
    case ready: return bit(granting) | bit(unbegun) | bit(ended);
    case granting: return bit(granted) | bit(ended);
    case granted: return bit(running) | bit(ended);
    case running: return bit(ended);
    case taken_over:
      return bit(unbegun) | bit(setting_up) | bit(ready) | bit(granted) | bit(running) | bit(ended);
    case ended: return 0;
  }
  return 0;
}

}  // namespace

std::string_view name(JobState state) noexcept { return k_names[static_cast<std::size_t>(state)]; }

bool may_follow(JobState from, JobState to) noexcept { return (next_states(from) & bit(to)) != 0; }

void JobStage::become(JobState next) {
  if (!may_follow(state_, next))
    throw WrongTransition(
        fmt::format("a job can't change from {} to {}", name(state_), name(next)));
  state_ = next;
}

}  // namespace rtenv::server
