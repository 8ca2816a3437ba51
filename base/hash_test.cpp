#include "base/hash.hpp"

#include <gtest/gtest.h>

#include "support/tree_builder.hpp"

namespace rtenv {
namespace {

template <class Hash>
std::string hex_of(std::string_view text) {
  Hash hash;
  hash.add("discarded by the reset");
  hash.reset();
  hash.add(text.substr(0, text.size() / 2));
  hash.add(text.substr(text.size() / 2));
  return to_hex(hash.finish());
}

// From FIPS 180-4's examples, RFC 1321, RFC 4231 (test case 2), and from xxhsum -H2 of Debian's
// xxhash 0.8.1.
TEST(Hash, MatchesPublishedTestVectors) {
  EXPECT_EQ(hex_of<Sha1>("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex_of<Sha256>("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex_of<Sha384>("abc"),
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
            "8086072ba1e7cc2358baeca134c825a7");
  EXPECT_EQ(hex_of<Sha512>("abc"),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
  EXPECT_EQ(hex_of<Xxh3>("abc"), "06b05ab6733a618578af5f94892f3950");
  EXPECT_EQ(hex_of<Xxh3>(""), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(sha256_hex("abc"), hex_of<Sha256>("abc"));
  EXPECT_EQ(hex_of<Md5>("abc"), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(to_hex(hmac_sha256(std::as_bytes(std::span(std::string_view("Jefe"))),
                               "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Hash, OneShotHashEqualsIncrementalHash) {
  const std::string text(1000, 'x');
  const auto data = std::as_bytes(std::span(text));
  EXPECT_EQ(to_hex(Md5::of(data)), hex_of<Md5>(text));
  EXPECT_EQ(to_hex(Sha256::of(data)), hex_of<Sha256>(text));
  EXPECT_EQ(to_hex(Xxh3::of(data)), hex_of<Xxh3>(text));
}

TEST(Hash, FileHashEqualsHashOfContent) {
  TreeBuilder tree;
  const std::string content(1'000'000, 'x');
  tree.file("f", content);
  EXPECT_EQ(must(sha256_hex_of_file(tree / "f")), sha256_hex(content));
  EXPECT_EQ(to_hex(must(sha384_of_file(tree / "f"))), hex_of<Sha384>(content));
  EXPECT_EQ(to_hex(must(sha512_of_file(tree / "f"))), hex_of<Sha512>(content));
  EXPECT_THAT(sha256_hex_of_file(tree / "none"), IsError(Errc::not_found));
}

}  // namespace
}  // namespace rtenv
