// A TCP socket that listens on a free port of the loopback interface.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/fd.hpp"

namespace rtenv {

class LoopbackListener {
 public:
  LoopbackListener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{.sin_family = AF_INET,
                        .sin_port = 0,
                        .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)},
                        .sin_zero = {}};
    socklen_t size = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(socket_.get(), raw, size), 0);
    EXPECT_EQ(::listen(socket_.get(), 16), 0);
    EXPECT_EQ(::getsockname(socket_.get(), raw, &size), 0);
    port_ = ntohs(address.sin_port);
  }

  [[nodiscard]] unsigned port() const noexcept { return port_; }
  /// Waits for a connection; returns an empty Fd after `shut_down`.
  [[nodiscard]] Fd accept() const { return Fd(::accept(socket_.get(), nullptr, nullptr)); }
  /// Wakes `accept`. Later connections are refused.
  void shut_down() const { ::shutdown(socket_.get(), SHUT_RDWR); }
  void close() { socket_ = Fd(); }

 private:
  Fd socket_;
  unsigned port_ = 0;
};

}  // namespace rtenv
