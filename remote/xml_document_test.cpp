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
  EXPECT_EQ(number_of(document.child("List").child("Size")), ~0ULL);
}

TEST(XmlDocument, ANumberIsWrittenInDigitsThatFit) {
  for (const char* const size : {"", "x", "5x", "-5", "18446744073709551616"}) {
    const std::string text = fmt::format("<List><Size>{}</Size></List>", size);
    EXPECT_EQ(number_of(must(parse_xml(text, "List", "")).child("List").child("Size")),
              std::nullopt)
        << size;
  }
}

TEST(XmlDocument, AllOfAnElementIsItsText) {
  for (const auto& [content, text] : {std::pair("a<!-- x -->b", "ab"),
                                      {"a<![CDATA[&#38;<]]>", "a&#38;<"},
                                      {" <?x?> ", "  "},
                                      {"&#97;&#x1;&amp;", "a\x01&"},
                                      {"", ""}}) {
    const std::string list = fmt::format("<List>{}</List>", content);
    EXPECT_EQ(text_of(must(parse_xml(list, "List", "")).child("List")), text) << content;
  }
  EXPECT_EQ(text_of(must(parse_xml(k_list, "List", "")).child("List")), std::nullopt);
  EXPECT_EQ(text_of(pugi::xml_node()), "");
}

TEST(XmlDocument, NoCharacterEndsAText) {
  for (const char* const name : {"a&#0;b", "a&#00;", "a&#x0;b", "&#1;&#x000;", "&#4294967296;",
                                 "&#x100000000;", "&#1114112;"})
    EXPECT_THAT(parse_xml(fmt::format("<List>{}</List>", name), "List", "s3://b"),
                IsError(Errc::invalid_argument, "s3://b: the response isn't well-formed XML"))
        << name;
  EXPECT_FALSE(parse_xml(std::string_view("<List>a\0b</List>", 16), "List", "s3://b"));
}

TEST(XmlDocument, ABooleanIsTrueOrFalse) {
  for (const char* const text : {"true", "1", " true\n"}) EXPECT_EQ(parse_xml_bool(text), true);
  for (const char* const text : {"false", "0"}) EXPECT_EQ(parse_xml_bool(text), false);
  for (const char* const text : {"", "yes", "truest", "2"})
    EXPECT_EQ(parse_xml_bool(text), std::nullopt) << text;
}

TEST(XmlDocument, AnExplanationCountsAsFarAsItGoes) {
  const auto document = parse_partial_xml("<x:Error><x:Code>SlowDown</x:Code><Message>Reduce yo");
  EXPECT_STREQ(document.child("Error").child("Code").text().get(), "SlowDown");
  EXPECT_STREQ(parse_partial_xml("no").child("Error").text().get(), "");
}

}  // namespace
}  // namespace rtenv::remote
