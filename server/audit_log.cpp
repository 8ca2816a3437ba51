#include "server/audit_log.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/json_text.hpp"
#include "base/log.hpp"
#include "server/run_on.hpp"

namespace rtenv::server {

void AuditLog::add(const Request& request, std::string_view action, std::string_view what) {
  std::string line = json_text({{"time", unix_ms()},
                                {"who", request.caller.name},
                                {"from", request.from},
                                {"action", action},
                                {"what", what}});
  post_on(thread_, [this, line = std::move(line) + "\n"] { write(line); });
}

void AuditLog::write(const std::string& line) {
  const auto written = append(line);
  if (!written && !failed_) log::warn("audit log: {}", written.error().message());
  failed_ = !written;
}

Result<void> AuditLog::append(const std::string& line) {
  struct stat status {};
  if (open_ && ::fstat(open_.get(), &status) == 0 &&
      static_cast<std::uint64_t>(status.st_size) + line.size() > max_bytes_) {
    const Path older = file_.native() + ".1";
    if (::rename(file_.c_str(), older.c_str()) != 0) return fail_errno("rename", file_.native());
    open_.reset();
  }
  if (!open_) {
    RTENV_TRY(open_, open_file(file_, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0600));
  }
  return write_full(open_, line, file_.native());
}

}  // namespace rtenv::server
