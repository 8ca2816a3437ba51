#include "remote/metadata_address.hpp"

#include <gtest/gtest.h>
#include <netdb.h>

#include <memory>

namespace rtenv::remote {
namespace {

bool is_metadata(const char* address) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* found = nullptr;
  EXPECT_EQ(::getaddrinfo(address, nullptr, &hints, &found), 0) << address;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
  return found != nullptr && is_metadata_address(*found->ai_addr);
}

TEST(MetadataAddress, IsFoundInEverySpelling) {
  for (const char* address :
       {"169.254.169.254", "2852039166", "0xa9fea9fe", "169.254.170.2", "168.63.129.16",
        "::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "::169.254.169.254", "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe", "::ffff:0:169.254.169.254", "2002:a9fe:a9fe::1", "fd00:ec2::254",
        "fd00:0ec2:0:0:0:0:0:0254", "fd20:ce::254"})
    EXPECT_TRUE(is_metadata(address)) << address;
}

TEST(MetadataAddress, OthersAreOrdinary) {
  for (const char* address : {"127.0.0.1", "::1", "169.254.1.2", "169.254.169.253", "10.0.0.1",
                              "::ffff:127.0.0.1", "2001:db8::a9fe:a9fe", "fd00:ec2::253"})
    EXPECT_FALSE(is_metadata(address)) << address;
}

TEST(MetadataAddress, HostsOfUrlsAreNamesAndAddresses) {
  for (const char* host :
       {"metadata.google.internal", "metadata.google.internal.", "169.254.169.254.",
        "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "[fe80::a9fe:a9fe%25eth0]"})
    EXPECT_TRUE(is_metadata_host(host)) << host;
  for (const char* host : {"localhost", "example.com", "my-metadata.google.internal", "[::1]",
                           "169.254.169.254.example.com"})
    EXPECT_FALSE(is_metadata_host(host)) << host;
}

}  // namespace
}  // namespace rtenv::remote
