// Decides which jobs may start: first come, first served. A job that doesn't fit yet holds back
// later jobs that request the same resources, so that it can't starve; jobs that request other
// resources may overtake it. Jobs with equal requests are a class: if the first doesn't fit, the
// others needn't be looked at, so that thousands may wait. Not thread-safe; only computes.
#pragma once

#include <map>
#include <optional>
#include <set>
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
  void enqueue(std::int64_t number, const Demand& demand);
  void withdraw(std::int64_t number);

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
  /// How many wait that were submitted before; nullopt if the job doesn't wait.
  [[nodiscard]] std::optional<std::size_t> place_of(std::int64_t number) const;
  [[nodiscard]] const NodeResources& node() const noexcept { return node_; }

 private:
  // In thousandths (memory: bytes), so that ten times 0.1 is 1.
  using Amounts = std::map<std::string, std::int64_t, std::less<>>;
  [[nodiscard]] static Amounts amounts_of(const Demand& demand);
  [[nodiscard]] bool fits(const Amounts& wanted, const Amounts& held_back) const;
  [[nodiscard]] std::optional<std::vector<int>> choose_gpus(double wanted) const;
  std::optional<Allocation> start(const Demand& demand, const Amounts& wanted,
                                  const Amounts& held_back);

  NodeResources node_;
  Amounts free_;
  std::map<int, std::int64_t> free_gpus_;  // thousandths of each
  std::map<std::int64_t, Demand> waiting_;
  std::map<Amounts, std::set<std::int64_t>> classes_;  // the same jobs by what they request
  Amounts requested_;                                  // by all of them
};

}  // namespace rtenv::server
