#include "runtime_env/redact.hpp"

#include <gtest/gtest.h>

namespace rtenv::runtime_env {
namespace {

TEST(Redact, RemovesTheUserInfoOfEveryUrl) {
  EXPECT_EQ(without_credentials("-i https://user:pass@host/simple --extra-index-url http://t@h/"),
            "-i https://host/simple --extra-index-url http://h/");
  EXPECT_EQ(without_credentials("https://user:p@ss@host"), "https://host");
}

TEST(Redact, LeavesOtherTextUnchanged) {
  for (const char* text : {"", "six==1.0", "six @ https://host/x@1.whl", "https://host?to=a@b",
                           "user@host:path", "://", "'https://host' a@b"})
    EXPECT_EQ(without_credentials(text), text);
}

}  // namespace
}  // namespace rtenv::runtime_env
