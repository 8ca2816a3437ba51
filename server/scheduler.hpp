// Decides which jobs may start: first come, first served. A job that doesn't fit yet holds back
// later jobs that request the same resources, so that it can't starve; jobs that request other
// resources may overtake it. Not thread-safe; only computes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "server/node_resources.hpp"
#include "server/submission.hpp"

namespace rtenv::server {

/// The resources that a job occupies.
struct Allocation {
  Demand demand;
  std::vector<int> gpus;  // their numbers; for a fraction one, which other jobs may share
};

class Scheduler {
 public:
  /// `max_running`: the number of jobs at a time; 0: no limit.
  Scheduler(NodeResources node, std::size_t max_running);

  /// Which resource this machine lacks; nullopt if the demand can be satisfied at some time.
  [[nodiscard]] std::optional<std::string> why_unsatisfiable(const Demand& demand) const;

  /// Allocates immediately if the demand fits beside the running and all waiting jobs.
  std::optional<Allocation> try_start(const Demand& demand);
  /// `number`: increases with the order of submission.
  void enqueue(std::int64_t number, const Demand& demand) { waiting_.emplace(number, demand); }
  void withdraw(std::int64_t number) { waiting_.erase(number); }

  struct Start {
    std::int64_t number = 0;
    Allocation allocation;
  };
  /// Removes the jobs that may start now from the queue and allocates their resources.
  std::vector<Start> starts();

  /// For a job that an earlier server started.
  void occupy(const Allocation& allocation);
  void release(const Allocation& allocation);

  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }
  [[nodiscard]] const NodeResources& node() const noexcept { return node_; }

 private:
  // In thousandths (memory: bytes), so that ten times 0.1 is 1.
  using Amounts = std::map<std::string, std::int64_t, std::less<>>;
  [[nodiscard]] static Amounts amounts_of(const Demand& demand);
  [[nodiscard]] bool fits(const Amounts& wanted, const Amounts& free) const;
  [[nodiscard]] std::optional<std::vector<int>> choose_gpus(double wanted) const;
  std::optional<Allocation> start(const Demand& demand, const Amounts& wanted, const Amounts& free);

  NodeResources node_;
  Amounts free_;
  std::map<int, std::int64_t> free_gpus_;  // thousandths of each
  std::map<std::int64_t, Demand> waiting_;
};

}  // namespace rtenv::server
