#include "remote/xml_document.hpp"

#include <gtest/gtest.h>

#include "support/result_matchers.hpp"

namespace rtenv::remote {
namespace {

constexpr std::string_view k_list =
    "<?xml version=\"1.0\"?>\n<List><Size>5</Size><Name>a</Name></List>\n";

TEST(XmlDocument, IsWholeOrCutOff) {
  EXPECT_THAT(parse_xml(k_list, "List", "s3://b"), IsOk());
  const std::size_t end = k_list.rfind('>');
  for (std::size_t size = 0; size <= end; ++size)
    EXPECT_THAT(parse_xml(k_list.substr(0, size), "List", "s3://b"),
                IsError(Errc::unavailable, "s3://b: the store's response was cut off"))
        << size;
  EXPECT_THAT(parse_xml("<?xml version=\"1.0\"?>\n  \n", "List", "s3://b"),
              IsError(Errc::unavailable))
      << "blanks that keep a connection open";
}

TEST(XmlDocument, AnotherDocumentIsRefused) {
  for (const char* const other : {"<html>hi</html>", "<html><meta>hi</html>", "<Lists/>", "{}",
                                  "no", "<List/><List/>", "<Error><List/></Error>"})
    EXPECT_THAT(parse_xml(other, "List", "s3://b"),
                IsError(Errc::invalid_argument, "s3://b: the response isn't a List"))
        << other;
}

TEST(XmlDocument, NamespacePrefixesDontCount) {
  const auto document = must(parse_xml(
      R"(<s3:List xmlns:s3="x"><s3:Size>18446744073709551615</s3:Size></s3:List>)", "List", ""));
  EXPECT_EQ(number_child(document.child("List"), "Size"), ~0ULL);
}

TEST(XmlDocument, ANumberIsWrittenInDigitsThatFit) {
  for (const char* const size : {"", "x", "5x", "-5", "18446744073709551616"}) {
    const std::string text = fmt::format("<List><Size>{}</Size></List>", size);
    EXPECT_EQ(number_child(must(parse_xml(text, "List", "")).child("List"), "Size"), std::nullopt)
        << size;
  }
}

TEST(XmlDocument, AnExplanationCountsAsFarAsItGoes) {
  const auto document = parse_partial_xml("<x:Error><x:Code>SlowDown</x:Code><Message>Reduce yo");
  EXPECT_STREQ(document.child("Error").child("Code").text().get(), "SlowDown");
  EXPECT_STREQ(parse_partial_xml("no").child("Error").text().get(), "");
}

}  // namespace
}  // namespace rtenv::remote
