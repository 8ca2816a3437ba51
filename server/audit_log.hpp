// Who submitted, stopped and deleted what, from where: a file of JSON lines. For one thread; writes
// on a thread of its own.
#pragma once

#include <string>

#include "base/fd.hpp"
#include "server/http.hpp"
#include "server/worker_pool.hpp"

namespace rtenv::server {

class AuditLog {
 public:
  /// `file`: created if it doesn't exist. Above `max_bytes` it becomes FILE.1, which replaces an
  /// earlier one.
  explicit AuditLog(Path file, std::uint64_t max_bytes = 16 << 20)
      : file_(std::move(file)), max_bytes_(max_bytes) {}
  /// Waits until everything is written.
  ~AuditLog() { thread_.join(); }
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  /// {"time": UNIX_MS, "who", "from", "action", "what"}. A line that can't be written is reported
  /// once and lost.
  void add(const Request& request, std::string_view action, std::string_view what);

 private:
  void write(const std::string& line);
  Result<void> append(const std::string& line);
  Path file_;
  std::uint64_t max_bytes_;
  Fd open_;
  bool failed_ = false;
  WorkerPool thread_{1};
};

}  // namespace rtenv::server
