#include "base/cancellation.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include "support/in_fork.hpp"
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

TEST(Cancellation, AForkDoesNotRequestThatOfItsParent) {
  const auto cancellation = must(Cancellation::create());
  in_fork([&] { cancellation.request(); });
  EXPECT_FALSE(cancellation.requested());
  EXPECT_FALSE(is_readable(cancellation.poll_fd()));
}

TEST(Cancellation, IsRequestedWhenTheOneAboveItIs) {
  const auto parent = must(Cancellation::create());
  const auto below = must(Cancellation::create_below(parent));
  const auto other = must(Cancellation::create_below(parent));
  EXPECT_FALSE(is_readable(below.poll_fd()));
  other.request();
  EXPECT_TRUE(is_readable(other.poll_fd()));
  EXPECT_FALSE(parent.requested());
  EXPECT_FALSE(below.requested());
  parent.request();
  EXPECT_TRUE(below.requested());
  EXPECT_TRUE(is_readable(below.poll_fd()));
}

TEST(Cancellation, LeavesFoldersToTheOneAboveItIfThatIsRequested) {
  const auto parent = must(Cancellation::create());
  {
    const auto below = must(Cancellation::create_below(parent));
    below.request();
    below.leave("/nothing/here");
    EXPECT_EQ(below.take_left_folders().size(), 1U);
    parent.request();
    below.leave("/nothing/here");
    EXPECT_EQ(below.take_left_folders().size(), 0U);
  }
  EXPECT_EQ(parent.take_left_folders().size(), 1U);
}

}  // namespace
}  // namespace rtenv
