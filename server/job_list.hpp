// The list of jobs as a JSON array, a page of jobs at a time: there may be a hundred thousand. For
// the executor's thread.
#pragma once

#include "server/job_manager.hpp"

namespace rtenv::server {

class JobList {
 public:
  /// `hide_values`: see job_details. The manager must outlive it.
  JobList(JobManager& jobs, JobFilter filter, NodeNames node, bool hide_values)
      : jobs_(jobs), filter_(filter), node_(std::move(node)), hide_values_(hide_values) {}

  /// The next piece of the array's text; empty after the last one. Fails: as JobManager::list.
  boost::asio::awaitable<Result<std::string>> next();
  [[nodiscard]] bool is_complete() const noexcept { return state_ == State::end; }

 private:
  enum class State : std::uint8_t { begin, middle, end };
  JobManager& jobs_;
  JobFilter filter_;
  NodeNames node_;
  bool hide_values_;
  State state_ = State::begin;
  bool has_jobs_ = false;
};

}  // namespace rtenv::server
