#include "remote/uri.hpp"

#include <gtest/gtest.h>

#include "support/result_matchers.hpp"

namespace rtenv::remote {
namespace {

TEST(Uri, AMistypedPinIsRefused) {
  const std::string digest(64, 'a');
  for (const char* const name : {"sha256:", "SHA256=", "sha-256=", "sha265=", "sha256 =", "sha512=",
                                 "sha1=", "md5=", "sha256%3D", "x=1&sha256:", "digest="})
    for (const char* const uri : {"https://host/x.whl", "s3://b/x.whl", "file:///x.whl", "gcs://x"})
      EXPECT_THAT(Uri::parse(fmt::format("{}#{}{}", uri, name, digest)),
                  IsError(Errc::invalid_argument, "isn't a pin"))
          << uri << name;
  for (const char* const fragment : {"", "part", "sha256", "a=b", "access_token=hunter2"}) {
    const auto parsed = Uri::parse(fmt::format("https://host/x.whl#{}", fragment));
    EXPECT_THAT(parsed, IsError(Errc::invalid_argument, "isn't a pin")) << fragment;
    EXPECT_EQ(parsed.error().message().find("hunter2"), std::string::npos);
  }
  for (const char* const key : {"a#b", "#1=2", "a#v=1", "sha256=#", "a#sha=1", "a#shape=1"})
    EXPECT_EQ(must(Uri::parse(fmt::format("s3://b/{}", key))).path, key);
}

TEST(Uri, APinMayBeBesideWhatPipWritesThere) {
  const std::string digest(64, 'a');
  for (const char* const form : {"sha256={}", "egg=x&sha256={}", "sha256={}&subdirectory=a",
                                 "egg=x&subdirectory=a&sha256={}"})
    EXPECT_EQ(must(Uri::parse("https://host/x#" + fmt::format(fmt::runtime(form), digest))).sha256,
              digest);
  EXPECT_EQ(must(Uri::parse("https://host/x#egg=x")).sha256, std::nullopt);
  EXPECT_THAT(Uri::parse("https://host/x#egg=x&sha256=12"),
              IsError(Errc::invalid_argument, "64 hex digits"));
}

TEST(Uri, ASchemeMayBeWrittenInAnyCase) {
  EXPECT_EQ(must(Uri::parse("HTTP://Host/X")).text(), "http://Host/X");
  EXPECT_EQ(must(Uri::parse("S3://bucket/Key")).text(), "s3://bucket/Key");
}

TEST(Uri, DoesNotDecodeObjectNames) {
  const Uri uri = must(Uri::parse("s3://runtime-env-test/a b%20#1/script.zip"));
  EXPECT_EQ(uri.authority, "runtime-env-test");
  EXPECT_EQ(uri.path, "a b%20#1/script.zip");
  EXPECT_EQ(uri.file_name(), "script.zip");
  EXPECT_EQ(uri.text(), "s3://runtime-env-test/a b%20#1/script.zip");
}

TEST(Uri, HidesUserInfoAndQuery) {
  const Uri uri =
      must(Uri::parse("https://user:secret@host:8443/a/b%20c.zip?X-Amz-Signature=secret#egg=part"));
  EXPECT_EQ(uri.shown(), "https://…@host:8443/a/b%20c.zip?…");
  EXPECT_EQ(uri.text(), "https://user:secret@host:8443/a/b%20c.zip?X-Amz-Signature=secret");
  EXPECT_EQ(uri.file_name(), "b c.zip");
  EXPECT_EQ(must(Uri::parse("s3://bucket/x.zip?token=secret")).shown(), "s3://bucket/x.zip?…");
  EXPECT_EQ(must(Uri::parse("s3://bucket/a?b=c#d")).shown(), "s3://bucket/a?b=c#d") << "a key";
}

TEST(Uri, ShowsNoPartOfAPasswordThatIsWrittenWrongly) {
  for (const char* text : {"https://me:hunter#2@host/x", "https://me:hunter?2@host/x"}) {
    const auto uri = Uri::parse(text);
    const std::string shown = uri ? uri->shown() : uri.error().message();
    EXPECT_EQ(shown.find("hunter"), std::string::npos) << shown;
  }
  EXPECT_EQ(must(Uri::parse("https://host/x#egg=a@b")).text(), "https://host/x");
}

TEST(Uri, SeparatesThePinFromTheName) {
  const std::string digits(64, 'A');
  const Uri uri = must(Uri::parse("gs://b/o.zip#sha256=" + digits));
  EXPECT_EQ(uri.path, "o.zip");
  EXPECT_EQ(uri.sha256, std::string(64, 'a'));
  EXPECT_THAT(Uri::parse("gs://b/o.zip#sha256=12"),
              IsError(Errc::invalid_argument, "64 hex digits"));
}

TEST(Uri, AbfssNeedsContainerAndAccount) {
  const Uri uri = must(Uri::parse("abfss://c@acc.dfs.core.windows.net/p/x.zip"));
  EXPECT_EQ(uri.authority, "c@acc.dfs.core.windows.net");
  EXPECT_EQ(uri.shown(), "abfss://c@acc.dfs.core.windows.net/p/x.zip");
  for (const char* bad : {"abfss://acc.dfs.core.windows.net/x", "abfss://c@acc.example.com/x",
                          "abfss://@a.dfs.core.windows.net/x", "abfss://c@.dfs.core.windows.net/x"})
    EXPECT_THAT(Uri::parse(bad), IsError(Errc::invalid_argument, "abfss")) << bad;
}

TEST(Uri, HasNoNameThatItsStoreCannotHave) {
  for (const char* bad :
       {"s3://localhost:9104#/k", "s3://evil.example?/k", "s3://user@evil.example/k", "s3://../k",
        "gs://a%2fb/o", "gs://Upper/o", "azure://evil.example/b", "azure://c@evil.example/b",
        "abfss://c@evil.example#.dfs.core.windows.net/b",
        "abfss://c@evil.example/x.dfs.core.windows.net/b",
        "abfss://c:p@a@acc.dfs.core.windows.net/b", "abfss://c@acc.evil.dfs.core.windows.net/b"})
    EXPECT_THAT(Uri::parse(bad), IsError(Errc::invalid_argument)) << bad;
  const auto login = Uri::parse("s3://id:hunter2@bucket/key");
  ASSERT_FALSE(login);
  EXPECT_EQ(login.error().message(), "s3://…@bucket/key: that isn't the name of an S3 bucket");
}

TEST(Uri, SuggestsASimilarSchemeForAnUnknownOne) {
  EXPECT_THAT(Uri::parse("s4://bucket/key"), IsError(Errc::invalid_argument, "s4://"));
  EXPECT_EQ(Uri::parse("htps://host/x").error().hint(), "did you mean https://?");
  EXPECT_THAT(Uri::parse("no uri"), IsError(Errc::invalid_argument, "isn't a URI"));
}

TEST(Uri, NeedsABucketOrAnAbsolutePath) {
  EXPECT_THAT(Uri::parse("s3:///key"), IsError(Errc::invalid_argument, "no bucket"));
  EXPECT_THAT(Uri::parse("azure:///blob"), IsError(Errc::invalid_argument, "no container"));
  EXPECT_THAT(Uri::parse("https:///x"), IsError(Errc::invalid_argument, "no host"));
  EXPECT_THAT(Uri::parse("file://relative/x.zip"), IsError(Errc::invalid_argument, "absolute"));
  EXPECT_THAT(Uri::parse("local://relative"), IsError(Errc::invalid_argument, "absolute"));
  EXPECT_TRUE(must(Uri::parse("s3://bucket")).is_prefix());
}

}  // namespace
}  // namespace rtenv::remote
