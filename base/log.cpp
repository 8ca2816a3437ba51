#include "base/log.hpp"

// Use the system's fmt instead of the copy bundled with spdlog.
#define SPDLOG_FMT_EXTERNAL
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "base/text.hpp"

namespace rtenv::log {
namespace {

// The message, prefixed by "warning: " or "debug: " at these levels.
class Message : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    std::string_view prefix;
    if (message.level == spdlog::level::warn) prefix = "warning: ";
    if (message.level == spdlog::level::debug) prefix = "debug: ";
    out.append(prefix.data(), prefix.data() + prefix.size());
    const std::string text =
        terminal_text(std::string_view(message.payload.data(), message.payload.size()));
    out.append(text.data(), text.data() + text.size());
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<Message>();
  }
};

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    default: return spdlog::level::warn;
  }
}

}  // namespace

bool is_shown(Level level) { return spdlog::should_log(to_spdlog(level)); }

void emit(Level level, std::string_view message) {
  spdlog::log(to_spdlog(level), spdlog::string_view_t(message.data(), message.size()));
}

void configure(Verbosity verbosity) {
  auto logger =
      std::make_shared<spdlog::logger>("rtenv", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<Message>('*').set_pattern("rtenv: %*");
  logger->set_formatter(std::move(formatter));
  logger->set_level(verbosity == Verbosity::quiet     ? spdlog::level::err
                    : verbosity == Verbosity::verbose ? spdlog::level::debug
                                                      : spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace rtenv::log
