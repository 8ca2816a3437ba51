#include "server/job_list.hpp"

#include "base/json_text.hpp"

namespace rtenv::server {

namespace {

constexpr std::int64_t k_page_jobs = 100;

}  // namespace

boost::asio::awaitable<Result<std::string>> JobList::next() {
  std::string text = state_ == State::begin ? "[" : "";
  // A page may turn out to be empty: the status of its jobs has changed since they were stored.
  while (state_ == State::begin || (state_ == State::middle && text.empty())) {
    JobFilter page = filter_;
    page.limit = filter_.limit < 0 ? k_page_jobs : std::min(filter_.limit, k_page_jobs);
    const auto jobs = co_await jobs_.list(page);
    if (!jobs) co_return Failure(jobs.error());
    for (const JobRecord& job : jobs->jobs) {
      if (std::exchange(has_jobs_, true)) text += ", ";
      text += json_text(job_details(job, node_, hide_values_));
    }
    filter_.after = jobs->last_number;
    filter_.offset = 0;
    if (filter_.limit >= 0) filter_.limit -= page.limit;
    const bool is_last = filter_.limit == 0 || jobs->is_last;
    state_ = is_last ? State::end : State::middle;
    if (is_last) text += "]";
  }
  co_return text;
}

}  // namespace rtenv::server
