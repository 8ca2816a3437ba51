#include "remote/metadata_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "base/text.hpp"

namespace rtenv::remote {
namespace {

using Bytes = std::array<unsigned char, 16>;

constexpr std::array<std::string_view, 9> k_addresses{
    "169.254.169.254",  // Amazon, Google, Azure and others
    "169.254.170.2",    // Amazon ECS
    "169.254.170.23",   // Amazon EKS
    "168.63.129.16",    // Azure
    "100.100.100.200",  // Alibaba
    "fd00:ec2::254",    // Amazon
    "fd00:ec2::23",     // Amazon EKS
    "fd20:ce::254",     // Google
    "fe80::a9fe:a9fe",  // OpenStack
};

constexpr std::array<std::string_view, 4> k_names{"metadata.google.internal", "metadata.goog",
                                                  "instance-data.ec2.internal", "instance-data"};

// IPv6 addresses that contain an IPv4 address: how they begin, and where it is.
struct Embedding {
  std::array<unsigned char, 12> prefix;
  std::size_t prefix_bytes;
  std::size_t at;
};
constexpr std::array<Embedding, 6> k_embeddings{{
    {.prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}, .prefix_bytes = 12, .at = 12},  // mapped
    {.prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0},
     .prefix_bytes = 12,
     .at = 12},                                                            // translated
    {.prefix = {}, .prefix_bytes = 12, .at = 12},                          // compatible
    {.prefix = {0, 0x64, 0xFF, 0x9B}, .prefix_bytes = 12, .at = 12},       // NAT64
    {.prefix = {0, 0x64, 0xFF, 0x9B, 0, 1}, .prefix_bytes = 6, .at = 12},  // NAT64, local
    {.prefix = {0x20, 0x02}, .prefix_bytes = 2, .at = 2},                  // 6to4
}};

bool is_listed(int family, const void* bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  return ::inet_ntop(family, bytes, text.data(), text.size()) != nullptr &&
         std::ranges::find(k_addresses, std::string_view(text.data())) != k_addresses.end();
}

bool is_listed(const Bytes& ipv6) {
  return is_listed(AF_INET6, ipv6.data()) ||
         std::ranges::any_of(k_embeddings, [&](const Embedding& each) {
           return std::memcmp(ipv6.data(), each.prefix.data(), each.prefix_bytes) == 0 &&
                  is_listed(AF_INET, ipv6.data() + each.at);
         });
}

}  // namespace

bool is_metadata_address(const sockaddr& address) noexcept {
  if (address.sa_family == AF_INET)
    return is_listed(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr);
  if (address.sa_family != AF_INET6) return false;
  Bytes bytes;
  std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr,
              bytes.size());
  return is_listed(bytes);
}

bool is_metadata_host(std::string_view host) {
  const std::string_view bare = trim_end(host, ".");
  if (std::ranges::find(k_names, bare) != k_names.end()) return true;
  const std::string literal(trim(bare.substr(0, bare.find('%')), "[]"));
  in_addr ipv4{};
  if (::inet_aton(literal.c_str(), &ipv4) != 0) return is_listed(AF_INET, &ipv4);
  Bytes ipv6{};
  return ::inet_pton(AF_INET6, literal.c_str(), ipv6.data()) == 1 && is_listed(ipv6);
}

}  // namespace rtenv::remote
