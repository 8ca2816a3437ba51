#include "base/process_identity.hpp"

#include "base/process.hpp"
#include "support/result_matchers.hpp"

namespace rtenv {
namespace {

std::string with_word(std::string identity, std::size_t index, const std::string& word) {
  std::size_t begin = 0;
  for (; index > 0; --index) begin = identity.find(' ', begin) + 1;
  return identity.replace(begin, identity.find(' ', begin) - begin, word);
}

TEST(ProcessIdentity, OfThisProcessIsAlive) {
  EXPECT_EQ(process_state(process_identity()), ProcessState::alive);
}

TEST(ProcessIdentity, OfAnEarlierBootOrAnotherStartHasEnded) {
  EXPECT_EQ(process_state(with_word(process_identity(), 0, "boot")), ProcessState::ended);
  EXPECT_EQ(process_state(with_word(process_identity(), 2, "1")), ProcessState::ended);
  EXPECT_EQ(process_state(with_word(process_identity(), 3, "1")), ProcessState::ended);
}

TEST(ProcessIdentity, OfAnotherContainerIsUnknown) {
  EXPECT_EQ(process_state(with_word(process_identity(), 1, "pid:[1]")), ProcessState::unknown);
  EXPECT_EQ(process_state(""), ProcessState::unknown);
  EXPECT_EQ(process_state("a b c d e"), ProcessState::unknown);
}

}  // namespace
}  // namespace rtenv
