#include "base/log.hpp"

#include <gtest/gtest.h>

namespace rtenv {
namespace {

// The output of the three levels on standard error.
std::string logged(log::Verbosity verbosity) {
  testing::internal::CaptureStderr();
  log::configure(verbosity);
  log::debug("detail {}", 1);
  log::info("progress {}", 2);
  log::warn("trouble {}", 3);
  log::configure(log::Verbosity::normal);
  return testing::internal::GetCapturedStderr();
}

TEST(Log, FiltersByVerbosity) {
  EXPECT_EQ(logged(log::Verbosity::quiet), "");
  EXPECT_EQ(logged(log::Verbosity::normal), "rtenv: progress 2\nrtenv: warning: trouble 3\n");
  EXPECT_EQ(logged(log::Verbosity::verbose),
            "rtenv: debug: detail 1\nrtenv: progress 2\nrtenv: warning: trouble 3\n");
}

}  // namespace
}  // namespace rtenv
