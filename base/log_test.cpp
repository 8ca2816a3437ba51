#include "base/log.hpp"

#include <gmock/gmock.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/scarce_memory.hpp"

namespace rtenv {
namespace {

using testing::ElementsAre;
using testing::ExitedWithCode;
using testing::IsEmpty;

void log_each_level() {
  log::debug("detail {}", 1);
  log::info("progress {}", 2);
  log::warn("trouble {}", 3);
}

class Log : public testing::Test {
 protected:
  ~Log() override { log::set_sink(log::Level::info, log::to_standard_error()); }
};

std::vector<std::string> logged(log::Level least) {
  std::vector<std::string> messages;
  log::set_sink(least, [&](log::Level, std::string_view text) { messages.emplace_back(text); });
  log_each_level();
  return messages;
}

TEST_F(Log, GoesToTheSinkFromItsLevelOn) {
  EXPECT_THAT(logged(log::Level::debug), ElementsAre("detail 1", "progress 2", "trouble 3"));
  EXPECT_THAT(logged(log::Level::info), ElementsAre("progress 2", "trouble 3"));
  EXPECT_THAT(logged(log::Level::warning), ElementsAre("trouble 3"));
}

TEST_F(Log, GoesNowhereWithoutASink) {
  testing::internal::CaptureStderr();
  log::set_sink(log::Level::debug, {});
  log_each_level();
  EXPECT_THAT(testing::internal::GetCapturedStderr(), IsEmpty());
}

TEST_F(Log, IsWrittenInLinesToStandardError) {
  testing::internal::CaptureStderr();
  log::set_sink(log::Level::debug, log::to_standard_error());
  log_each_level();
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "rtenv: debug: detail 1\nrtenv: progress 2\nrtenv: warning: trouble 3\n");
}

TEST_F(Log, SurvivesASinkThatThrows) {
  log::set_sink(log::Level::debug,
                [](log::Level, std::string_view) { throw std::runtime_error("no"); });
  EXPECT_NO_THROW(log_each_level());
}

TEST_F(Log, DoesNotThrowWithoutMemory) {
  bool is_format = false;
  log::set_sink(log::Level::info, [&](log::Level, std::string_view text) {
    is_format = text == "lost: {}";
    throw std::bad_alloc();
  });
  const std::string reason(10'000, 'x');
  const ScarceMemory scarce(ScarceMemory::For::this_thread, ScarceMemory::Lack::lasting, 0);
  log::warn("lost: {}", reason);
  EXPECT_TRUE(is_format);
}

TEST_F(Log, MayBeReplacedByTheSink) {
  std::vector<std::string> messages;
  log::set_sink(log::Level::debug, [&](log::Level, std::string_view text) {
    messages.emplace_back(text);
    log::set_sink(log::Level::warning, {});
    log::warn("not again");
  });
  log_each_level();
  EXPECT_THAT(messages, ElementsAre("detail 1"));
}

// In a new process, where nobody has set a sink.
TEST_F(Log, OfAProgramThatSetsNoSinkIsOnlyWarnings) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        testing::internal::CaptureStdout();
        log_each_level();
        std::_Exit(testing::internal::GetCapturedStdout().empty() ? 0 : 1);
      },
      ExitedWithCode(0), "^rtenv: warning: trouble 3\n$");
}

}  // namespace
}  // namespace rtenv
