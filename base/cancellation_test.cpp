#include "base/cancellation.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include "support/result_matchers.hpp"

namespace rtenv {
namespace {

bool is_readable(int fd) {
  pollfd entry{fd, POLLIN, 0};
  return ::poll(&entry, 1, 0) == 1;
}

TEST(Cancellation, RequestSetsTheFlagAndMakesThePollFdReadable) {
  const auto cancellation = must(Cancellation::create());
  EXPECT_FALSE(cancellation.requested());
  EXPECT_FALSE(is_readable(cancellation.poll_fd()));
  cancellation.request();
  cancellation.request();
  EXPECT_TRUE(cancellation.requested());
  EXPECT_TRUE(is_readable(cancellation.poll_fd()));
}

}  // namespace
}  // namespace rtenv
