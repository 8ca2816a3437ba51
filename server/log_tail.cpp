#include "server/log_tail.hpp"

#include <utility>

namespace rtenv::server {
namespace {

constexpr std::size_t k_message_bytes = 64 << 10;
constexpr auto k_line_time = std::chrono::milliseconds(100);

}  // namespace

LogTail::LogTail(JobManager& manager, JobKey job, std::uint64_t offset, Form form)
    : manager_(manager),
      job_(std::move(job)),
      offset_(offset),
      form_(form),
      timer_(manager.executor()) {}

std::optional<LogTail::Message> LogTail::read() {
  if (held_) return Message{.data = *std::exchange(held_, std::nullopt), .is_text = false};
  if (!reader_) {
    auto opened = job::JobLogReader::open(manager_.log_file(job_));
    if (!opened) return std::nullopt;
    reader_.emplace(std::move(*opened));
  }
  std::string data(k_message_bytes, '\0');
  const auto chunk = reader_->read(offset_, data);
  if (!chunk || chunk->size_bytes == 0) return std::nullopt;
  data.resize(chunk->size_bytes);
  offset_ = chunk->offset + chunk->size_bytes;
  if (form_ == Form::text) {
    std::string text = chunk->skipped_bytes > 0
                           ? utf8_.finish() + job::skipped_notice(chunk->skipped_bytes)
                           : std::string();
    return Message{.data = text + utf8_.add(data)};
  }
  if (chunk->skipped_bytes == 0) return Message{.data = std::move(data), .is_text = false};
  held_ = std::move(data);
  return Message{.data = fmt::format("{{\"offset\": {}}}", chunk->offset)};
}

// The whole lines of it, after what was unfinished.
std::optional<LogTail::Message> LogTail::take_lines(std::string text) {
  if (unfinished_.empty()) unfinished_until_ = Clock::now() + k_line_time;
  unfinished_ += text;
  // A carriage return ends a state of a progress bar.
  const auto end = unfinished_.find_last_of("\n\r");
  const std::size_t whole = unfinished_.size() > k_message_bytes ? unfinished_.size()
                            : end == std::string::npos           ? 0
                                                                 : end + 1;
  if (whole == 0) return std::nullopt;
  Message message{.data = unfinished_.substr(0, whole)};
  unfinished_.erase(0, whole);
  unfinished_until_ = Clock::now() + k_line_time;
  return message;
}

void LogTail::wake_at(Clock::time_point time, std::shared_ptr<Broadcast> changed) {
  timer_.expires_at(time);
  timer_.async_wait([changed = std::move(changed)](const boost::system::error_code& error) {
    if (!error) changed->notify();
  });
}

boost::asio::awaitable<std::optional<LogTail::Message>> LogTail::next() {
  for (;;) {
    // In this order, output that is written before the end of the job isn't missed.
    if (!following_ || !following_->watch) following_ = manager_.follow(job_);
    const std::uint64_t seen = following_ ? following_->changed->epoch() : 0;
    const bool job_ended = !manager_.follow(job_);
    if (auto message = read()) {
      if (form_ == Form::raw) co_return message;
      if (auto lines = take_lines(std::move(message->data))) co_return lines;
      continue;
    }
    if (job_ended) {
      std::string rest = std::exchange(unfinished_, {}) + utf8_.finish();
      if (rest.empty()) co_return std::nullopt;
      co_return Message{.data = std::move(rest)};
    }
    if (!unfinished_.empty() && Clock::now() >= unfinished_until_)
      co_return Message{.data = std::exchange(unfinished_, {})};
    if (!unfinished_.empty()) wake_at(unfinished_until_, following_->changed);
    co_await following_->changed->wait(seen);
    if ((co_await boost::asio::this_coro::cancellation_state).cancelled() !=
        boost::asio::cancellation_type::none)
      co_return std::nullopt;
  }
}

}  // namespace rtenv::server
