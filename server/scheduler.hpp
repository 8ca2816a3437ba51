// Which job may start: first come, first served. A job that doesn't fit holds back, of those behind
// it, what asks for the same resources, so that it is never overtaken for ever; what asks for
// others goes on. Not thread-safe; touches nothing.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "server/node_resources.hpp"
#include "server/submission.hpp"

namespace rtenv::server {

/// What a job occupies.
struct Allocation {
  Demand demand;
  std::vector<int> gpus;  // their numbers; of a fraction one, which others may share
};

class Scheduler {
 public:
  /// `max_running`: jobs at a time, whatever they ask for; 0: any number.
  Scheduler(NodeResources node, std::size_t max_running);

  /// What this machine can never give, as a sentence; nothing where it can.
  [[nodiscard]] std::optional<std::string> why_unsatisfiable(const Demand& demand) const;

  /// Takes at once what a new job asks for, if it fits and none waits for the same.
  std::optional<Allocation> try_start(const Demand& demand);
  /// `number`: in the order of submission.
  void enqueue(std::int64_t number, const Demand& demand) { waiting_.emplace(number, demand); }
  void withdraw(std::int64_t number) { waiting_.erase(number); }

  struct Start {
    std::int64_t number = 0;
    Allocation allocation;
  };
  /// Those that may start now; they occupy what they asked for.
  std::vector<Start> starts();

  /// By a job that runs already, begun by another server.
  void occupy(const Allocation& allocation);
  void release(const Allocation& allocation);

  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_.size(); }
  [[nodiscard]] const NodeResources& node() const noexcept { return node_; }

 private:
  // In one unit: thousandths, so that 0.1 ten times is 1.
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
