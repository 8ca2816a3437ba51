#include "remote/jwt.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/result_matchers.hpp"

namespace rtenv::remote {
namespace {

// tests/remote/gs_test.py verifies signatures with Python's cryptography package.
TEST(Jwt, RefusesAKeyThatIsNotRsa) {
  for (const char* key :
       {"", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"})
    EXPECT_THAT(sign_jwt({}, {}, key), IsError(Errc::invalid_argument)) << key;
}

}  // namespace
}  // namespace rtenv::remote
