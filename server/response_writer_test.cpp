#include "server/response_writer.hpp"

#include <gmock/gmock.h>

namespace rtenv::server {
namespace {

std::string head(const Response& response, const ResponseForm& form) {
  return response_head(response, form, "rtenv/1");
}
Response in_pieces() {
  return {.next_piece = []() -> boost::asio::awaitable<Result<std::string>> {
    co_return std::string();
  }};
}

TEST(ResponseHeadTest, HasStatusHeadersAndLength) {
  Response response = text_response(405, "no");
  response.headers.emplace_back("Allow", "GET");
  EXPECT_EQ(head(response, {}),
            "HTTP/1.1 405 Method Not Allowed\r\nServer: rtenv/1\r\n"
            "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"
            "Allow: GET\r\nContent-Length: 2\r\n\r\n");
}

TEST(ResponseHeadTest, SendsTheConnectionHeaderUnlessItIsTheDefault) {
  using testing::HasSubstr;
  using testing::Not;
  const Response response = text_response(200, "");
  EXPECT_THAT(head(response, {.keep_alive = true}), Not(HasSubstr("Connection")));
  EXPECT_THAT(head(response, {.keep_alive = false}), HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(head(response, {.version = 10}), HasSubstr("HTTP/1.0 200 OK\r\n"));
  EXPECT_THAT(head(response, {.version = 10}), HasSubstr("Connection: keep-alive\r\n"));
  EXPECT_THAT(head(response, {.version = 10, .keep_alive = false}), Not(HasSubstr("Connection")));
}

TEST(ResponseHeadTest, ChunksPiecesOnlyInHttp11) {
  using testing::HasSubstr;
  using testing::Not;
  const std::string chunked = head(in_pieces(), {});
  EXPECT_THAT(chunked, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(chunked, Not(HasSubstr("Content-Length")));
  const std::string until_close = head(in_pieces(), {.version = 10});
  EXPECT_THAT(until_close, Not(HasSubstr("Transfer-Encoding")));
  EXPECT_THAT(until_close, Not(HasSubstr("Connection"))) << "the end of the body closes it";
}

TEST(ResponseHeadTest, HeadHasTheContentLengthOfGet) {
  EXPECT_THAT(head(text_response(200, "abc"), {.head_only = true}),
              testing::HasSubstr("Content-Length: 3\r\n"));
  EXPECT_THAT(head(in_pieces(), {.head_only = true}),
              testing::Not(testing::HasSubstr("Transfer-Encoding")));
}

}  // namespace
}  // namespace rtenv::server
