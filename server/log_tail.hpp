// Follows a job's log from an offset until the job has ended. For the network's thread.
#pragma once

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
    text,  // UTF-8, as Ray's client expects it
    /// The bytes as they are. A text message {"offset": N} gives the offset of the next byte where
    /// the log's size limit removed some.
    raw,
  };
  LogTail(JobManager& manager, std::string id, std::uint64_t offset, Form form)
      : manager_(manager), id_(std::move(id)), offset_(offset), form_(form) {}

  struct Message {
    std::string data;
    bool is_text = true;
  };
  /// Waits for output; nullopt after the end of the job and its log. May be cancelled.
  boost::asio::awaitable<std::optional<Message>> next();

 private:
  std::optional<Message> read();

  JobManager& manager_;
  std::string id_;
  std::uint64_t offset_;
  Form form_;
  std::optional<job::JobLogReader> reader_;
  std::optional<JobManager::Following> following_;
  Utf8Text utf8_;
  std::optional<std::string> held_;  // the data behind an offset message
};

}  // namespace rtenv::server
