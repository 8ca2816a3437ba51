#include "envbuild/build_log.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <ctime>
#include <nlohmann/json.hpp>

#include "base/boot_id.hpp"
#include "base/exceptions.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/json_text.hpp"
#include "base/log.hpp"
#include "base/thread.hpp"

namespace rtenv::envbuild {
namespace {

using nlohmann::json;

constexpr int k_poll_interval_ms = 200;
constexpr int k_last_line_interval_ms = 2000;

Path log_path(const Path& cache_root, std::string_view key) {
  return cache_root / "logs" / fmt::format("env-{}.log", key);
}
Path error_path(const Path& cache_root, std::string_view key) {
  return cache_root / "logs" / fmt::format("env-{}.failed", key);
}

Result<void> write_error(const Path& path, const Error& error, const std::string& conditions) {
  RTENV_TRY(AtomicFile file, AtomicFile::create(path, 0600));
  RTENV_TRY(file.write(json_text({{"boot", boot_id()},
                                  {"at_us", boot_time_us()},
                                  {"conditions", conditions},
                                  {"code", static_cast<int>(error.code())},
                                  {"message", error.message()},
                                  {"hint", error.hint()}})));
  return file.commit(Durability::process);
}

}  // namespace

std::string build_conditions(const Environment& installer_environment,
                             std::optional<std::chrono::seconds> timeout) {
  std::string text = fmt::format("{}", timeout ? timeout->count() : 0);
  for (const std::string& variable : installer_environment.strings()) text += '\0' + variable;
  return sha256_hex(text);
}

std::int64_t boot_time_us() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return now.tv_sec * std::int64_t{1'000'000} + now.tv_nsec / 1'000;
}

Result<BuildLog> BuildLog::begin(const Path& cache_root, std::string_view key,
                                 std::string conditions) {
  Path path = log_path(cache_root, key);
  Path error = error_path(cache_root, key);
  RTENV_TRY(make_directory(path.parent_path()));
  ::unlink(error.c_str());
  RTENV_TRY(Fd file, open_regular_file(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600));
  return BuildLog(std::move(path), std::move(error), std::move(file), std::move(conditions));
}

Failure BuildLog::fail_with(Error error) {
  if (error.code() == Errc::cancelled) {
    succeed();
    return Failure(std::move(error));
  }
  Error with_path(error.code(),
                  fmt::format("{}\n  full output: {}", error.message(), path_.native()),
                  error.hint());
  if (const auto written = write_error(error_path_, with_path, conditions_); !written)
    log::debug("{}", written.error().message());
  return Failure(std::move(with_path));
}

void BuildLog::succeed() noexcept { ::unlink(path_.c_str()); }

std::optional<Error> failure_since(const Path& cache_root, std::string_view key,
                                   std::int64_t begin_us, std::string_view conditions) {
  const auto text = read_file(error_path(cache_root, key));
  if (!text) return std::nullopt;
  const json record = json_from_text(*text);
  if (!record.is_object() || record.value("boot", "") != boot_id() ||
      record.value("conditions", "") != conditions ||
      record.value("at_us", std::int64_t{0}) < begin_us)
    return std::nullopt;
  const int code = record.value("code", -1);
  if (code < 0 || code >= k_errc_count) return std::nullopt;
  return Error(static_cast<Errc>(code), record.value("message", ""), record.value("hint", ""));
}

BuildFollower::BuildFollower(const Path& cache_root, std::string_view key, OnOutput on_output)
    : on_output_(std::move(on_output)) {
  auto stop = Cancellation::create();
  if (!stop) return;
  stop_.emplace(std::move(*stop));
  auto thread = start_thread([this, path = log_path(cache_root, key)] {
    (void)without_exceptions([&]() -> Result<void> {
      follow(path);
      return {};
    });
  });
  if (thread) thread_ = std::move(*thread);
}

BuildFollower::~BuildFollower() {
  if (!thread_.joinable()) return;
  stop_->request();
  thread_.join();
}

void BuildFollower::follow(const Path& path) const {
  std::size_t shown_bytes = 0;
  pollfd stop{.fd = stop_->poll_fd(), .events = POLLIN, .revents = 0};
  while (::poll(&stop, 1, on_output_ ? k_poll_interval_ms : k_last_line_interval_ms) == 0) {
    const auto text = read_file(path);
    if (!text) continue;
    if (text->size() < shown_bytes) shown_bytes = 0;  // another build began
    const auto end = text->rfind('\n');
    if (end == std::string::npos || end + 1 <= shown_bytes) continue;
    const std::string_view lines =
        std::string_view(*text).substr(shown_bytes, end + 1 - shown_bytes);
    shown_bytes = end + 1;
    const std::string_view unended = lines.substr(0, lines.size() - 1);
    if (on_output_)
      on_output_(lines);
    else
      log::info("{}", unended.substr(unended.rfind('\n') + 1));
  }
}

}  // namespace rtenv::envbuild
