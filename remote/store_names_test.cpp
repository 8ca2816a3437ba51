#include "remote/store_names.hpp"

#include <gtest/gtest.h>

#include <array>

#include "support/result_matchers.hpp"

namespace rtenv::remote {
namespace {

// None of them may get into a host name or a path.
constexpr std::array<std::string_view, 19> k_hostile{
    "",     ".",   "..",        "a/b", "a\\b",           "a#",    "a?b",
    "a%2f", "u@h", "host:9104", "a b", "a\nb",           "[::1]", "a\tb",
    "ü",    "a&b", "x;y",       "a+b", "localhost:9104#"};

template <class Name>
void expect_refuses_hostile() {
  for (const std::string_view text : k_hostile)
    EXPECT_THAT(Name::parse(text, "the URI"),
                IsError(Errc::invalid_argument, "the URI: that isn't"))
        << text;
  EXPECT_FALSE(Name::parse(std::string(256, 'a'), "x"));
  EXPECT_FALSE(Name::parse(std::string_view("a\0b", 3), "x"));
}

TEST(StoreName, IsNeverPartOfAnotherHostOrPath) {
  expect_refuses_hostile<S3Bucket>();
  expect_refuses_hostile<GsBucket>();
  expect_refuses_hostile<AzureContainer>();
  expect_refuses_hostile<AzureAccountName>();
  expect_refuses_hostile<AwsRegion>();
  EXPECT_FALSE(AzureAccountName::parse("evil.example", "x"));
  EXPECT_FALSE(AwsRegion::parse("us-east-1.evil.example", "x"));
}

TEST(StoreName, HoldsWhatTheStoresAllow) {
  for (const char* name : {"b", "runtime-env-test", "with.dots", "Old_Bucket", "1.2"})
    EXPECT_EQ(must(S3Bucket::parse(name, "x")).text(), name);
  for (const char* name : {"b", "bucket_1.example.com"})
    EXPECT_EQ(must(GsBucket::parse(name, "x")).text(), name);
  for (const char* name : {"box", "$root", "a-b"})
    EXPECT_EQ(must(AzureContainer::parse(name, "x")).text(), name);
  EXPECT_EQ(must(AzureAccountName::parse("devstoreaccount1", "x")).text(), "devstoreaccount1");
  for (const char* name : {"us-east-1", "cn-north-1", "auto", "garage"})
    EXPECT_EQ(must(AwsRegion::parse(name, "x")).text(), name);
}

TEST(StoreName, OnlyAPlainBucketIsInTheHostName) {
  const auto in_host = [](const char* name) {
    return is_host_label(must(S3Bucket::parse(name, "x")));
  };
  EXPECT_TRUE(in_host("runtime-env-test"));
  for (const char* name : {"with.dots", "Upper", "under_score", "-a", "a-", "127.0.0.1"})
    EXPECT_FALSE(in_host(name)) << name;
  EXPECT_FALSE(in_host(std::string(64, 'a').c_str()));
}

}  // namespace
}  // namespace rtenv::remote
