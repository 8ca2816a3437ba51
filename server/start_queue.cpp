#include "server/start_queue.hpp"

namespace rtenv::server {

void StartQueue::add(std::int64_t number, Kind kind, const std::string& submitter) {
  const LaneName name{kind, kind == Kind::setup ? submitter : std::string()};
  Lane& lane = lanes_[name];
  lane.places = kind == Kind::setup ? places_.setups : places_.starts;
  if (!lane.waiting.insert(number).second) return;
  lane_of_[number] = name;
  ++waiting_;
}

std::optional<std::int64_t> StartQueue::take() {
  Lane* first = nullptr;
  for (auto& [name, lane] : lanes_)
    if (lane.has_next() && (first == nullptr || *lane.waiting.begin() < *first->waiting.begin()))
      first = &lane;
  if (first == nullptr) return std::nullopt;
  const std::int64_t number = *first->waiting.begin();
  first->waiting.erase(number);
  first->under_way.insert(number);
  --waiting_;
  return number;
}

bool StartQueue::leave(std::int64_t number) {
  const auto found = lane_of_.find(number);
  if (found == lane_of_.end()) return false;
  const auto lane = lanes_.find(found->second);
  const bool waited = lane->second.waiting.erase(number) != 0;
  if (waited) --waiting_;
  lane->second.under_way.erase(number);
  if (lane->second.waiting.empty() && lane->second.under_way.empty()) lanes_.erase(lane);
  lane_of_.erase(found);
  return waited;
}

std::optional<std::size_t> StartQueue::place_of(std::int64_t number) const {
  const auto name = lane_of_.find(number);
  if (name == lane_of_.end()) return std::nullopt;
  const auto& waiting = lanes_.at(name->second).waiting;
  const auto found = waiting.find(number);
  if (found == waiting.end()) return std::nullopt;
  return static_cast<std::size_t>(std::distance(waiting.begin(), found));
}

bool StartQueue::starts_are_empty() const {
  const auto lane = lanes_.find({Kind::start, std::string()});
  return lane == lanes_.end() || lane->second.waiting.empty();
}

}  // namespace rtenv::server
