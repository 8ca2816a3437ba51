#include "server/scheduler.hpp"

#include <algorithm>
#include <cmath>

namespace rtenv::server {
namespace {

constexpr double k_per_unit = 1000;
constexpr std::int64_t k_whole = 1000;
constexpr const char* k_jobs = "jobs at a time";

std::int64_t thousandths(double amount) { return std::llround(amount * k_per_unit); }

// Ray's selectors are "a", "!a", "in(a,b)" and "!in(a,b)". This node has no labels: only the
// negated ones match it.
bool matches_no_label(const std::string& selector) { return selector.starts_with('!'); }

}  // namespace

Scheduler::Scheduler(NodeResources node, std::size_t max_running) : node_(std::move(node)) {
  free_["CPU"] = thousandths(node_.cpus);
  free_["GPU"] = thousandths(static_cast<double>(node_.gpus.size()));
  free_["memory"] = node_.memory_bytes;
  for (const auto& [name, amount] : node_.custom) free_["custom " + name] = thousandths(amount);
  for (const int gpu : node_.gpus) free_gpus_[gpu] = k_whole;
  free_[k_jobs] = max_running == 0 ? INT64_MAX / 2 : static_cast<std::int64_t>(max_running);
}

Scheduler::Amounts Scheduler::amounts_of(const Demand& demand) {
  Amounts amounts{{k_jobs, 1}};
  if (demand.cpus > 0) amounts["CPU"] = thousandths(demand.cpus);
  if (demand.gpus > 0) amounts["GPU"] = thousandths(demand.gpus);
  if (demand.memory_bytes > 0) amounts["memory"] = demand.memory_bytes;
  for (const auto& [name, amount] : demand.custom) amounts["custom " + name] = thousandths(amount);
  return amounts;
}

std::optional<std::string> Scheduler::why_unsatisfiable(const Demand& demand) const {
  const auto lacks = [](std::string_view name, double requested,
                        double has) -> std::optional<std::string> {
    if (requested <= has) return std::nullopt;
    return fmt::format("it requests {} {}, this machine has {}", requested, name, has);
  };
  if (auto why = lacks("CPU", demand.cpus, node_.cpus)) return why;
  if (auto why = lacks("GPU", demand.gpus, static_cast<double>(node_.gpus.size()))) return why;
  if (demand.memory_bytes > node_.memory_bytes)
    return fmt::format("it requests {} bytes of memory, this machine has {}", demand.memory_bytes,
                       node_.memory_bytes);
  for (const auto& [name, amount] : demand.custom) {
    const auto has = node_.custom.find(name);
    if (auto why = lacks(fmt::format("of the resource '{}'", name), amount,
                         has == node_.custom.end() ? 0 : has->second))
      return why;
  }
  for (const auto& [name, selector] : demand.labels)
    if (!matches_no_label(selector))
      return fmt::format("it requests a node with the label {}={}, this machine has no labels",
                         name, selector);
  return std::nullopt;
}

void Scheduler::enqueue(std::int64_t number, const Demand& demand) {
  const Amounts wanted = amounts_of(demand);
  classes_[wanted].insert(number);
  for (const auto& [name, amount] : wanted) requested_[name] += amount;
  waiting_.emplace(number, demand);
}

void Scheduler::withdraw(std::int64_t number) {
  const auto found = waiting_.find(number);
  if (found == waiting_.end()) return;
  const Amounts wanted = amounts_of(found->second);
  for (const auto& [name, amount] : wanted) requested_[name] -= amount;
  const auto same = classes_.find(wanted);
  same->second.erase(number);
  if (same->second.empty()) classes_.erase(same);
  waiting_.erase(found);
}

std::optional<std::size_t> Scheduler::place_of(std::int64_t number) const {
  const auto found = waiting_.find(number);
  if (found == waiting_.end()) return std::nullopt;
  return static_cast<std::size_t>(std::distance(waiting_.begin(), found));
}

bool Scheduler::fits(const Amounts& wanted, const Amounts& held_back) const {
  return std::ranges::all_of(wanted, [&](const auto& want) {
    const auto has = free_.find(want.first);
    const auto held = held_back.find(want.first);
    return has != free_.end() &&
           want.second <= has->second - (held == held_back.end() ? 0 : held->second);
  });
}

// The GPUs with the least free share that is enough, so that whole GPUs stay free.
std::optional<std::vector<int>> Scheduler::choose_gpus(double wanted) const {
  std::vector<int> chosen;
  if (wanted <= 0) return chosen;
  const std::int64_t share = std::min(thousandths(wanted), k_whole);
  const auto count = static_cast<std::size_t>(std::max(1.0, wanted));
  std::vector<std::pair<std::int64_t, int>> candidates;
  for (const auto& [gpu, free] : free_gpus_)
    if (free >= share) candidates.emplace_back(free, gpu);
  if (candidates.size() < count) return std::nullopt;
  std::ranges::sort(candidates);
  for (std::size_t i = 0; i < count; ++i) chosen.push_back(candidates[i].second);
  return chosen;
}

std::optional<Allocation> Scheduler::start(const Demand& demand, const Amounts& wanted,
                                           const Amounts& held_back) {
  if (!fits(wanted, held_back)) return std::nullopt;
  auto gpus = choose_gpus(demand.gpus);
  if (!gpus) return std::nullopt;
  Allocation allocation{.demand = demand, .gpus = std::move(*gpus)};
  occupy(allocation);
  return allocation;
}

std::optional<Allocation> Scheduler::try_start(const Demand& demand) {
  return start(demand, amounts_of(demand), requested_);
}

std::vector<Scheduler::Start> Scheduler::starts() {
  std::vector<Start> result;
  std::map<std::int64_t, const Amounts*> next;  // the first job of each class
  for (const auto& [wanted, numbers] : classes_) next.emplace(*numbers.begin(), &wanted);
  Amounts held_back;  // for the jobs before
  while (!next.empty() && free_[k_jobs] > 0) {
    const auto [number, class_wanted] = *next.begin();
    next.erase(next.begin());
    const Amounts wanted = *class_wanted;  // withdraw() may end the class
    if (auto allocation = start(waiting_.at(number), wanted, held_back)) {
      withdraw(number);
      result.push_back({number, std::move(*allocation)});
      if (const auto same = classes_.find(wanted); same != classes_.end())
        next.emplace(*same->second.begin(), &same->first);
      continue;
    }
    for (const auto& [name, amount] : wanted)
      if (name != k_jobs) held_back[name] += amount;
  }
  return result;
}

void Scheduler::occupy(const Allocation& allocation) {
  for (const auto& [name, amount] : amounts_of(allocation.demand)) free_[name] -= amount;
  for (const int gpu : allocation.gpus)
    free_gpus_[gpu] -= std::min(thousandths(allocation.demand.gpus), k_whole);
}

void Scheduler::release(const Allocation& allocation) {
  for (const auto& [name, amount] : amounts_of(allocation.demand)) free_[name] += amount;
  for (const int gpu : allocation.gpus)
    free_gpus_[gpu] += std::min(thousandths(allocation.demand.gpus), k_whole);
}

}  // namespace rtenv::server
