// Which jobs get a supervisor next. A job with a set-up and one without don't wait for each other:
// the entrypoints of a thousand jobs shall start a few at a time, because all would start late
// otherwise, but a set-up may take an hour, and ten of them mustn't hold up a job that needs none.
// Set-ups have places of their own for each submitter, so that one's slow set-ups don't hold up
// another's. Not thread-safe; only computes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

namespace rtenv::server {

class StartQueue {
 public:
  /// How many may be under way at a time; of `setups`, for each submitter.
  struct Places {
    std::size_t starts = 1;
    std::size_t setups = 1;
  };
  explicit StartQueue(Places places) : places_(places) {}

  enum class Kind : std::uint8_t { start, setup };
  /// `number`: increases with the order of submission.
  void add(std::int64_t number, Kind kind, const std::string& submitter);
  /// Takes the first job for which there is a place; it has the place until `leave`.
  std::optional<std::int64_t> take();
  /// The job has started, is prepared, or has ended. Also if it waits or isn't known. Returns
  /// whether it waited.
  bool leave(std::int64_t number);

  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }
  /// How many wait for the same places that were submitted before; nullopt if the job doesn't wait.
  [[nodiscard]] std::optional<std::size_t> place_of(std::int64_t number) const;
  /// Whether no job waits to be started that needs no set-up.
  [[nodiscard]] bool starts_are_empty() const;

 private:
  // The jobs of one kind and, for set-ups, one submitter.
  struct Lane {
    std::size_t places = 0;
    std::set<std::int64_t> waiting;
    std::set<std::int64_t> under_way;
    [[nodiscard]] bool has_next() const { return !waiting.empty() && under_way.size() < places; }
  };
  using LaneName = std::pair<Kind, std::string>;
  Places places_;
  std::map<LaneName, Lane> lanes_;
  std::unordered_map<std::int64_t, LaneName> lane_of_;
  std::size_t waiting_ = 0;
};

}  // namespace rtenv::server
