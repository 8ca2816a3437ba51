#include "client/endpoint.hpp"

#include <gtest/gtest.h>

#include "support/result_matchers.hpp"

namespace rtenv::client {
namespace {

TEST(Endpoint, SchemeDecidesTlsAndDefaultPort) {
  const Endpoint plain = must(parse_endpoint("http://host"));
  EXPECT_FALSE(plain.tls);
  EXPECT_EQ(plain.host, "host");
  EXPECT_EQ(plain.port, "80");
  EXPECT_EQ(plain.base_path, "");
  const Endpoint tls = must(parse_endpoint("https://host"));
  EXPECT_TRUE(tls.tls);
  EXPECT_EQ(tls.port, "443");
}

TEST(Endpoint, SplitsPortPathAndUserInfo) {
  const Endpoint endpoint = must(parse_endpoint("https://user:secret@host:8443/proxy/ray"));
  EXPECT_EQ(endpoint.host, "host");
  EXPECT_EQ(endpoint.port, "8443");
  EXPECT_EQ(endpoint.base_path, "/proxy/ray");
}

TEST(Endpoint, RemovesTheBracketsOfAnIpv6Address) {
  const Endpoint with_port = must(parse_endpoint("http://[::1]:8265"));
  EXPECT_EQ(with_port.host, "::1");
  EXPECT_EQ(with_port.host_and_port, "[::1]:8265") << "the server knows itself by it";
  EXPECT_EQ(with_port.port, "8265");
  const Endpoint without_port = must(parse_endpoint("http://[::1]/x"));
  EXPECT_EQ(without_port.host, "::1");
  EXPECT_EQ(without_port.port, "80");
  EXPECT_EQ(without_port.base_path, "/x");
  EXPECT_EQ(must(parse_endpoint("http://[fe80::1%25eth0]/")).host, "fe80::1%eth0");
}

}  // namespace
}  // namespace rtenv::client
