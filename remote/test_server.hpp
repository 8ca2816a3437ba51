// An HTTP server on the loopback interface, for unit tests: sends one scripted response to each
// request and records the requests.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "base/encoding.hpp"
#include "base/fd.hpp"
#include "support/loopback_listener.hpp"

namespace rtenv::remote {

class TestServer {
 public:
  struct Request {
    std::string head;  // in lower case
    std::string body;
  };

  enum class Answers { after_the_body, after_the_head };

  /// Each response is sent as it is, and its connection closed.
  explicit TestServer(std::vector<std::string> responses, Answers answers = Answers::after_the_body)
      : responses_(std::move(responses)), answers_(answers) {
    ::setenv("no_proxy", "127.0.0.1", 1);
    thread_ = std::jthread([this] { run(); });
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;
  ~TestServer() { stop(); }

  [[nodiscard]] std::string url(std::string_view path) const {
    return fmt::format("http://127.0.0.1:{}{}", listener_.port(), path);
  }

  /// Stops the server. Later connections are refused.
  std::vector<Request> stop() {
    listener_.shut_down();
    if (thread_.joinable()) thread_.join();
    listener_.close();
    return std::move(requests_);
  }

  /// "HTTP/1.1 200 OK", headers, an empty line and the body.
  static std::string response(std::string_view status, std::string_view body = {},
                              const std::vector<std::string>& headers = {}) {
    std::string text = fmt::format("HTTP/1.1 {}\r\nConnection: close\r\n", status);
    for (const std::string& header : headers) text += header + "\r\n";
    return fmt::format("{}Content-Length: {}\r\n\r\n{}", text, body.size(), body);
  }

 private:
  void run() {
    for (const std::string& response : responses_) {
      const Fd connection = listener_.accept();
      if (!connection) return;
      requests_.push_back(receive(connection));
      ::send(connection.get(), response.data(), response.size(), MSG_NOSIGNAL);
      // Wait for the client to close, so that unread data doesn't reset the connection.
      ::shutdown(connection.get(), SHUT_WR);
      for (std::string ignored; read_more(connection, ignored);) ignored.clear();
    }
  }

  static bool read_more(const Fd& connection, std::string& text) {
    std::vector<char> buffer(64U << 10U);
    const ssize_t count = ::read(connection.get(), buffer.data(), buffer.size());
    if (count > 0) text.append(buffer.data(), static_cast<std::size_t>(count));
    return count > 0;
  }

  [[nodiscard]] Request receive(const Fd& connection) const {
    std::string text;
    auto end = std::string::npos;
    while ((end = text.find("\r\n\r\n")) == std::string::npos && read_more(connection, text)) {
    }
    if (end == std::string::npos) return {.head = text, .body = {}};
    Request request{.head = lower_ascii(text.substr(0, end + 2)), .body = text.substr(end + 4)};
    if (answers_ == Answers::after_the_head) return request;
    const bool chunked = request.head.find("transfer-encoding: chunked") != std::string::npos;
    constexpr std::string_view k_length = "content-length: ";
    std::size_t size = 0;
    if (const auto at = request.head.find(k_length); at != std::string::npos)
      std::from_chars(request.head.data() + at + k_length.size(),
                      request.head.data() + request.head.size(), size);
    while (chunked ? !request.body.ends_with("\r\n0\r\n\r\n") : request.body.size() < size)
      if (!read_more(connection, request.body)) break;
    return request;
  }

  std::vector<std::string> responses_;
  Answers answers_;
  std::vector<Request> requests_;
  LoopbackListener listener_;
  std::jthread thread_;
};

}  // namespace rtenv::remote
