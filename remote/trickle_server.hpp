// An HTTP server on the loopback interface, for unit tests: sends the same begin of a response on
// each connection, and then bytes until the client closes it.
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.hpp"
#include "support/loopback_listener.hpp"

namespace rtenv::remote {

enum class Pace : std::uint8_t {
  slow,  // 20 bytes a second
  fast,  // as the client reads
};

class TrickleServer {
 public:
  explicit TrickleServer(std::string begin, Pace pace = Pace::slow, std::string filler = "x")
      : begin_(std::move(begin)), filler_(std::move(filler)), pace_(pace) {
    ::setenv("no_proxy", "127.0.0.1", 1);
    if (pace_ == Pace::fast)
      for (std::string more = filler_; filler_.size() < (64U << 10U);) filler_ += more;
    thread_ = std::jthread([this] { run(); });
  }
  TrickleServer(const TrickleServer&) = delete;
  TrickleServer& operator=(const TrickleServer&) = delete;
  ~TrickleServer() {
    stopped_ = true;
    listener_.shut_down();
  }

  [[nodiscard]] std::string url(std::string_view path) const {
    return fmt::format("http://127.0.0.1:{}{}", listener_.port(), path);
  }
  [[nodiscard]] int connections() const { return connections_; }

 private:
  void run() {
    std::vector<std::jthread> threads;
    while (!stopped_) {
      Fd connection = listener_.accept();
      if (!connection) return;
      ++connections_;
      threads.emplace_back([this, connection = std::move(connection)] { serve(connection); });
    }
  }

  void serve(const Fd& connection) const {
    std::string request(64U << 10U, '\0');
    if (::recv(connection.get(), request.data(), request.size(), 0) <= 0) return;
    for (bool open = send(connection, begin_); open && !stopped_;) {
      if (pace_ == Pace::slow) std::this_thread::sleep_for(std::chrono::milliseconds(50));
      open = send(connection, filler_);
    }
  }

  static bool send(const Fd& connection, std::string_view text) {
    return ::send(connection.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }

  std::string begin_;
  std::string filler_;
  Pace pace_;
  std::atomic<bool> stopped_{false};
  std::atomic<int> connections_{0};
  LoopbackListener listener_;
  std::jthread thread_;
};

}  // namespace rtenv::remote
