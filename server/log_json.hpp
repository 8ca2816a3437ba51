// A job's log as the JSON object {"logs": "…"}, one piece after another: a log may be larger than
// the memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "job/job_log.hpp"
#include "server/utf8_text.hpp"

namespace rtenv::server {

class LogJson {
 public:
  /// The log from `begin`, or the last lines of that. Empty if there is no log yet. Fails: as
  /// JobLogReader.
  static Result<std::shared_ptr<LogJson>> open(const Path& file, std::uint64_t begin,
                                               std::optional<std::uint64_t> last_lines);

  /// `reader`: nullopt if there is no log. The log's bytes from `begin` to `end`.
  LogJson(std::optional<job::JobLogReader> reader, std::uint64_t begin, std::uint64_t end)
      : reader_(std::move(reader)), offset_(begin), end_(end) {}

  [[nodiscard]] std::uint64_t size_bytes() const noexcept { return end_ - std::min(offset_, end_); }
  /// The next piece; empty after the last one. Fails: as JobLogReader::read.
  Result<std::string> next();

 private:
  enum class State : std::uint8_t { begin, middle, end };
  std::optional<job::JobLogReader> reader_;
  std::uint64_t offset_;
  std::uint64_t end_;
  Utf8Text utf8_;
  State state_ = State::begin;
};

}  // namespace rtenv::server
