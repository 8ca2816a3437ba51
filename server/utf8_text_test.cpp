#include "server/utf8_text.hpp"

#include <gtest/gtest.h>

namespace rtenv::server {
namespace {

struct Case {
  std::string bytes;
  std::string text;
};

// The results of Python 3.11's bytes.decode("utf-8", "replace").
const Case k_cases[] = {
    {"plain, and longer than a word", "plain, and longer than a word"},
    {"ü€😀", "ü€😀"},
    {"a\xff\xfe z", "a\ufffd\ufffd z"},
    {"\xe2\x82", "\ufffd"},
    {"\xe2\x82x", "\ufffdx"},
    {"\xe2\x28\xa1", "\ufffd(\ufffd"},
    {"\xed\xa0\x80", "\ufffd\ufffd\ufffd"},            // a surrogate
    {"\xf0\x80\x80\x80", "\ufffd\ufffd\ufffd\ufffd"},  // an overlong form
    {"\xf4\x90\x80\x80", "\ufffd\ufffd\ufffd\ufffd"},  // beyond Unicode
    {"\xf0\x9f\x98\xf0\x9f\x98\x80", "\ufffd😀"},
    {"\xc3", "\ufffd"},
};

TEST(Utf8TextTest, ReplacesInvalidBytesLikePython) {
  for (const Case& each : k_cases) {
    Utf8Text utf8;
    const std::string text = utf8.add(each.bytes);
    EXPECT_EQ(text + utf8.finish(), each.text) << each.text;
  }
}

TEST(Utf8TextTest, ResultDoesNotDependOnPieceSize) {
  for (const Case& each : k_cases)
    for (std::size_t size = 1; size < 4; ++size) {
      Utf8Text utf8;
      std::string text;
      for (std::size_t at = 0; at < each.bytes.size(); at += size)
        text += utf8.add(std::string_view(each.bytes).substr(at, size));
      EXPECT_EQ(text + utf8.finish(), each.text) << each.text << " by " << size;
    }
}

}  // namespace
}  // namespace rtenv::server
