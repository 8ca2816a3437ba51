#include "remote/s3_error.hpp"

#include <gtest/gtest.h>

namespace rtenv::remote {
namespace {

int corrected_status(std::string body) {
  HttpResponse response{.status = 200, .body = std::move(body)};
  correct_s3_status(response);
  return response.status;
}

TEST(S3Error, HasItsStatusWhateverTheResponseHas) {
  for (const auto& [code, status] : {std::pair("InternalError", 500),
                                     {"SlowDown", 503},
                                     {"RequestTimeout", 408},
                                     {"NoSuchUpload", 404},
                                     {"AccessDenied", 403},
                                     {"ExpiredToken", 403},
                                     {"InvalidPart", 400},
                                     {"New", 500}})
    EXPECT_EQ(corrected_status(fmt::format("<Error><Code>{}</Code></Error>", code)), status)
        << code;
  EXPECT_EQ(corrected_status("<Error><Co"), 500) << "it was cut off";
  EXPECT_EQ(corrected_status("\n<e:Error xmlns:e=\"x\"><e:Code>SlowDown</e:Code></e:Error>"), 503);
}

TEST(S3Error, AnotherDocumentIsNone) {
  for (const char* const other : {"", "no", "<html><Error/></html>", "<ListBucketResult/>"})
    EXPECT_EQ(corrected_status(other), 200) << other;
  EXPECT_EQ(parse_s3_error("<List><Code>SlowDown</Code></List>").code, "");
}

TEST(S3Error, IsReadAsFarAsItArrived) {
  const S3Error error =
      parse_s3_error("<Error><Code>PermanentRedirect</Code><Region>eu-west-1</Region><Message>Us");
  EXPECT_EQ(error.code, "PermanentRedirect");
  EXPECT_EQ(error.region, "eu-west-1");
  EXPECT_FALSE(error.is_about_credentials());
  EXPECT_TRUE(parse_s3_error("<Error><Code>ExpiredToken</Code></Error>").is_about_credentials());
}

}  // namespace
}  // namespace rtenv::remote
