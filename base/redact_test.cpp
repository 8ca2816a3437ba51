#include "base/redact.hpp"

#include <gtest/gtest.h>

namespace rtenv {
namespace {

TEST(Redact, RemovesTheUserInfoOfEveryUrl) {
  EXPECT_EQ(without_credentials("-i https://user:pass@host/simple --extra-index-url http://t@h/"),
            "-i https://host/simple --extra-index-url http://h/");
  EXPECT_EQ(without_credentials("https://user:p@ss@host"), "https://host");
  EXPECT_EQ(without_credentials("https://user:pa'ss\"@host/x"), "https://host/x");
}

TEST(Redact, RemovesSecretParameters) {
  EXPECT_EQ(without_credentials("a @ https://h/x.whl?sig=abc%3D&version=2&se=2026 b"),
            "a @ https://h/x.whl?version=2 b");
  EXPECT_EQ(without_credentials("https://h/x?X-Amz-Signature=a&X-Amz-Date=b#sha256=00"),
            "https://h/x#sha256=00");
  EXPECT_EQ(without_credentials("'https://h/x?token=a' and https://u@k/y?Token=b&page=1"),
            "'https://h/x' and https://k/y?page=1");
  EXPECT_EQ(without_credentials("https://h/?"), "https://h/");
  EXPECT_EQ(without_credentials("https://h/x?n=it's&sig=a b"), "https://h/x?n=it's b");
}

TEST(Redact, HidesAPasswordWithCharactersThatEndAHost) {
  EXPECT_EQ(redacted_url("https://me:hunter?2#3@host/x?sig=1#f"), "https://…@host/x?…");
  EXPECT_EQ(redacted_url("https://me:p@ss@host:1/x@y"), "https://…@host:1/x@y");
  EXPECT_EQ(redacted_object("s3://id:key?@bucket/a#b?c"), "s3://…@bucket/a#b?c");
  EXPECT_EQ(redacted_url("http://me:pa/ss@host/x"), "http://…@host/x");
  EXPECT_EQ(redacted_url("http://host:8080/x@y"), "http://host:8080/x@y");
  EXPECT_EQ(without_credentials("at http://me:pa/ss@host:1/x, http://host:2/x@y"),
            "at http://host:1/x, http://host:2/x@y");
  EXPECT_EQ(redacted_object("abfss://box@a.dfs.core.windows.net/x"),
            "abfss://box@a.dfs.core.windows.net/x");
}

TEST(Redact, TheNameOfAnObjectMayHaveAQuestionMark) {
  for (const char* uri :
       {"s3://b/a?b=c", "gs://b/is it?/x", "s3://b/?", "file:///x?y=z&w", "s3://b/token?sig"})
    EXPECT_EQ(redacted_object(uri), uri);
  EXPECT_EQ(redacted_object("azure://c/x.zip?sv=2021&sig=abc"), "azure://c/x.zip?…");
  EXPECT_EQ(redacted_object("s3://b/why?x=1&X-Amz-Signature=abc"), "s3://b/why?…");
  EXPECT_EQ(redacted_object("s3://b/a?b?token=abc"), "s3://b/a?b?…");
}

TEST(Redact, AnObjectsKeyInAUrlIsTreatedAsTheObject) {
  EXPECT_EQ(redacted_url("http://h/b/x%3FX-Amz-Signature%3Dabc"), "http://h/b/x?…");
  EXPECT_EQ(redacted_url("http://h/b/x%3fa=1%26sig%3dabc?list-type=2"), "http://h/b/x?…");
  EXPECT_EQ(redacted_url("http://h/b/is%3Fit%3Dtrue"), "http://h/b/is%3Fit%3Dtrue");
  EXPECT_EQ(redacted_url("//me:hunter2@:99/x"), "//…@:99/x") << "where a redirect leads";
}

TEST(Redact, LeavesOtherTextUnchanged) {
  for (const char* text : {"", "six==1.0", "six @ https://host/x@1.whl", "https://host?to=a@b",
                           "user@host:path", "://", "'https://host' a@b"})
    EXPECT_EQ(without_credentials(text), text);
}

}  // namespace
}  // namespace rtenv
