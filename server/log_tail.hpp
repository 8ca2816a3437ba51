// Follows a job's log from an offset until the job has ended. For the network's thread.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "job/job_log.hpp"
#include "server/job_manager.hpp"
#include "server/utf8_text.hpp"

namespace rtenv::server {

class LogTail {
 public:
  enum class Form : std::uint8_t {
    /// UTF-8, as Ray's client expects it: whole lines, since clients take a message for a line.
    /// What
    /// still is unfinished after 100 ms (a prompt, a progress bar) is sent as it is.
    text,
    /// The bytes as they are. A text message {"offset": N} gives the offset of the next byte where
    /// the log's size limit removed some.
    raw,
  };
  LogTail(JobManager& manager, JobKey job, std::uint64_t offset, Form form);

  struct Message {
    std::string data;
    bool is_text = true;
  };
  /// Waits for output; nullopt after the end of the job and its log. May be cancelled.
  boost::asio::awaitable<std::optional<Message>> next();

 private:
  using Clock = std::chrono::steady_clock;
  std::optional<Message> read();
  std::optional<Message> take_lines(std::string text);
  void wake_at(Clock::time_point time, std::shared_ptr<Broadcast> changed);

  JobManager& manager_;
  JobKey job_;
  std::uint64_t offset_;
  Form form_;
  std::optional<job::JobLogReader> reader_;
  std::optional<JobManager::Following> following_;
  Utf8Text utf8_;
  std::string unfinished_;  // line
  Clock::time_point unfinished_until_;
  boost::asio::steady_timer timer_;
  std::optional<std::string> held_;  // the data behind an offset message
};

}  // namespace rtenv::server
