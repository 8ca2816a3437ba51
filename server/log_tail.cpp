#include "server/log_tail.hpp"

#include <utility>

namespace rtenv::server {
namespace {

constexpr std::size_t k_message_bytes = 64 << 10;

}  // namespace

std::optional<LogTail::Message> LogTail::read() {
  if (held_) return Message{.data = *std::exchange(held_, std::nullopt), .is_text = false};
  if (!reader_) {
    auto opened = job::JobLogReader::open(manager_.log_file(id_));
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

boost::asio::awaitable<std::optional<LogTail::Message>> LogTail::next() {
  for (;;) {
    // In this order, output that is written before the end of the job isn't missed.
    if (!following_ || !following_->watch) following_ = manager_.follow(id_);
    const std::uint64_t seen = following_ ? following_->changed->epoch() : 0;
    const bool job_ended = !manager_.follow(id_);
    if (auto message = read()) {
      if (message->data.empty()) continue;  // only the beginning of a character
      co_return message;
    }
    if (job_ended) {
      std::string rest = utf8_.finish();
      if (rest.empty()) co_return std::nullopt;
      co_return Message{.data = std::move(rest)};
    }
    co_await following_->changed->wait(seen);
    if ((co_await boost::asio::this_coro::cancellation_state).cancelled() !=
        boost::asio::cancellation_type::none)
      co_return std::nullopt;
  }
}

}  // namespace rtenv::server
