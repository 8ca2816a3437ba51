// One reader of a job's log: from an offset to the job's end, as it grows. For the network's
// thread.
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
    text,  // UTF-8, as Ray's client wants it
    raw,   // the bytes; text messages {"offset": N} say where the next byte is, where the log's cap
           // took some
  };
  LogTail(JobManager& manager, std::string id, std::uint64_t offset, Form form)
      : manager_(manager), id_(std::move(id)), offset_(offset), form_(form) {}

  struct Message {
    std::string data;
    bool is_text = true;
  };
  /// Waits for output; nothing once the job has ended and all was read. May be cancelled.
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
  std::optional<std::string> held_;  // behind a notice
};

}  // namespace rtenv::server
