#include "job/job_log.hpp"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace rtenv::job {
namespace {

constexpr std::uint64_t k_min_limit_bytes = 1ULL << 20;
constexpr std::uint64_t k_block_bytes = 4096;  // holes consist of whole blocks
constexpr std::uint64_t k_head_share = 4;      // a quarter of the limit is for the log's beginning
constexpr std::uint64_t k_step_share = 8;      // a hole grows by an eighth of the limit at a time
constexpr std::size_t k_line_window_bytes = 64 << 10;

}  // namespace

Result<JobLog> JobLog::open(const Path& file, const LogLimits& limits) {
  RTENV_TRY(Fd fd, open_file(file, O_RDWR | O_CREAT | O_APPEND, 0600));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return fail_errno("stat", file.native());
  return JobLog(std::move(fd), {.max_bytes = std::max(limits.max_bytes, k_min_limit_bytes)},
                static_cast<std::uint64_t>(status.st_size));
}

void JobLog::write(std::string_view bytes) {
  if (bytes.empty()) return;
  if (unreported_bytes_ > 0 && !report_loss()) {
    unreported_bytes_ += bytes.size();
    lost_bytes_ += bytes.size();
    return;
  }
  append(bytes);
}

void JobLog::write_line(std::string_view line) {
  write(fmt::format("{}{}\n", at_line_start_ ? "" : "\n", line));
}

void JobLog::finish() {
  if (unreported_bytes_ > 0) report_loss();
}

void JobLog::redirect_stderr() const noexcept { ::dup2(file_.get(), STDERR_FILENO); }

void JobLog::write_notice(std::string_view text) {
  if (unreported_bytes_ == 0 || report_loss()) append_notice(text);
}

bool JobLog::append_notice(std::string_view text) {
  const std::uint64_t unreported = unreported_bytes_;
  const std::uint64_t lost = lost_bytes_;
  if (append(fmt::format("{}[rtenv: {}]\n", at_line_start_ ? "" : "\n", text))) return true;
  unreported_bytes_ = unreported;
  lost_bytes_ = lost;
  return false;
}

bool JobLog::report_loss() {
  const std::uint64_t unreported = std::exchange(unreported_bytes_, 0);
  if (append_notice(fmt::format("{} bytes of output were lost here: {}", unreported, error_)))
    return true;
  unreported_bytes_ = unreported;
  return false;
}

bool JobLog::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      error_ = ::strerror(written < 0 ? errno : EIO);
      unreported_bytes_ += bytes.size();
      lost_bytes_ += bytes.size();
      return false;
    }
    const auto count = static_cast<std::size_t>(written);
    at_line_start_ = bytes[count - 1] == '\n';
    size_bytes_ += count;
    bytes.remove_prefix(count);
  }
  enforce_limit();
  return true;
}

void JobLog::enforce_limit() {
  const std::uint64_t head = limits_.max_bytes / k_head_share / k_block_bytes * k_block_bytes;
  const std::uint64_t tail = limits_.max_bytes - head;
  if (size_bytes_ <= limits_.max_bytes) return;
  const std::uint64_t hole_end = (size_bytes_ - tail) / k_block_bytes * k_block_bytes;
  const std::uint64_t hole_begin = std::max(head, hole_end_);
  if (hole_end < hole_begin + limits_.max_bytes / k_step_share / k_block_bytes * k_block_bytes)
    return;
  // A file system without holes stores the whole log: exceeding the limit is better than losing the
  // end.
  if (::fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                  static_cast<off_t>(hole_begin), static_cast<off_t>(hole_end - hole_begin)) == 0)
    hole_end_ = hole_end;
}

Result<JobLogReader> JobLogReader::open(const Path& file) {
  RTENV_TRY(Fd fd, open_file(file, O_RDONLY));
  return JobLogReader(std::move(fd));
}

Result<JobLogReader::Chunk> JobLogReader::read(std::uint64_t offset, std::span<char> buffer) const {
  Chunk chunk{.offset = offset};
  const off_t data = ::lseek(file_.get(), static_cast<off_t>(offset), SEEK_DATA);
  if (data < 0) {
    if (errno == ENXIO) return chunk;  // at or beyond the end
    if (errno != EINVAL) return fail_errno("read", "a job's log");
  } else if (static_cast<std::uint64_t>(data) > offset) {
    chunk.skipped_bytes = static_cast<std::uint64_t>(data) - offset;
    chunk.offset = static_cast<std::uint64_t>(data);
  }
  const off_t hole = ::lseek(file_.get(), static_cast<off_t>(chunk.offset), SEEK_HOLE);
  std::size_t size = buffer.size();
  if (hole > static_cast<off_t>(chunk.offset))
    size = std::min(size, static_cast<std::size_t>(hole) - static_cast<std::size_t>(chunk.offset));
  RTENV_TRY(chunk.size_bytes, read_full_at(file_, std::as_writable_bytes(buffer.first(size)),
                                           static_cast<off_t>(chunk.offset), "a job's log"));
  return chunk;
}

Result<std::uint64_t> JobLogReader::size_bytes() const {
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0) return fail_errno("stat", "a job's log");
  return static_cast<std::uint64_t>(status.st_size);
}

Result<std::uint64_t> JobLogReader::offset_of_last_lines(std::uint64_t lines) const {
  RTENV_TRY(std::uint64_t end, size_bytes());
  if (lines == 0) return end;
  // The part that the size limit removed has no lines, however large it is.
  const off_t hole = ::lseek(file_.get(), 0, SEEK_HOLE);
  const off_t after_hole = hole < 0 ? -1 : ::lseek(file_.get(), hole, SEEK_DATA);
  const bool has_hole = after_hole > hole;
  const auto hole_begin = static_cast<std::uint64_t>(hole);
  const auto hole_end = static_cast<std::uint64_t>(after_hole);
  std::vector<char> window(k_line_window_bytes);
  std::uint64_t found = 0;
  bool last_byte = true;
  while (end > 0) {
    if (has_hole && end == hole_end) end = hole_begin;
    std::uint64_t begin = end - std::min<std::uint64_t>(end, window.size());
    if (has_hole && end > hole_end) begin = std::max(begin, hole_end);
    const std::span<char> part(window.data(), static_cast<std::size_t>(end - begin));
    RTENV_TRY(const std::size_t count, read_full_at(file_, std::as_writable_bytes(part),
                                                    static_cast<off_t>(begin), "a job's log"));
    for (std::size_t i = count; i > 0; --i) {
      // The newline at the very end doesn't start another line.
      const bool ends_last_line = std::exchange(last_byte, false);
      if (part[i - 1] == '\n' && !ends_last_line && ++found == lines) return begin + i;
    }
    end = begin;
  }
  return std::uint64_t{0};
}

std::string skipped_notice(std::uint64_t bytes) {
  return fmt::format("\n[rtenv: {} bytes are omitted here: the log exceeds its size limit]\n",
                     bytes);
}

}  // namespace rtenv::job
