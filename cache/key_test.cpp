#include "cache/key.hpp"

#include "cache/kind.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::cache {
namespace {

TEST(Key, IsOneComponentOfAPath) {
  for (const char* text :
       {"", ".", "..", ".hidden", "a/b", "/", "../x", "a b", "a\nb", "\xc3\xa9", "a\\b"})
    EXPECT_THAT(Key::parse(text), IsError(Errc::invalid_argument, "can't be the key")) << text;
  EXPECT_THAT(Key::parse(std::string("a\0b", 3)), IsError(Errc::invalid_argument, ""));
  EXPECT_THAT(Key::parse(std::string(201, 'a')), IsError(Errc::invalid_argument, ""));
  for (const char* text : {"a", "A-1_b.c", "_ray_pkg_0123456789abcdef", "-"})
    EXPECT_EQ(must(Key::parse(text)), text);
  EXPECT_EQ(must(Key::parse(std::string(200, 'a'))).text().size(), 200U);
}

TEST(Key, OfAnUnknownKindOrBadTextIsNoEntry) {
  EXPECT_EQ(parse_entry_name("env", "..").has_value(), false);
  EXPECT_EQ(parse_entry_name("planet", "a").has_value(), false);
  EXPECT_EQ(parse_entry_name("env", "a")->key, "a");
}

}  // namespace
}  // namespace rtenv::cache
