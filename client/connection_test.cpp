#include "client/connection.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/error.hpp>

#include "support/loopback_listener.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::client {
namespace {

namespace asio = boost::asio;

// A server on the loopback interface that accepts and sends what the test says.
class ConnectionTest : public testing::Test {
 protected:
  [[nodiscard]] Fd accept() const { return listener_.accept(); }

  static Connection::ErrorCode read_error(Connection& connection) {
    char byte = 0;
    Connection::ErrorCode error;
    connection.read_some(asio::buffer(&byte, 1), error);
    return error;
  }

  LoopbackListener listener_;
  Endpoint endpoint_{.host = "127.0.0.1", .port = std::to_string(listener_.port())};
};

TEST_F(ConnectionTest, WritesAllBuffersAndReadsUntilTheServerCloses) {
  Connection connection(nullptr);
  ASSERT_THAT(connection.open(endpoint_, Environment()), IsOk());
  Fd server = accept();
  const std::array buffers{asio::buffer("ab", 2), asio::buffer("cd", 2)};
  EXPECT_EQ(connection.write_some(buffers), 4U);
  std::array<char, 4> received{};
  EXPECT_EQ(::read(server.get(), received.data(), received.size()), 4);
  EXPECT_EQ(std::string_view(received.data(), received.size()), "abcd");

  EXPECT_EQ(::write(server.get(), "x", 1), 1);
  server = Fd();
  char byte = 0;
  EXPECT_EQ(connection.read_some(asio::buffer(&byte, 1)), 1U);
  EXPECT_EQ(byte, 'x');
  EXPECT_EQ(read_error(connection), asio::error::eof);
}

TEST_F(ConnectionTest, ReadFailsAtTheDeadline) {
  Connection connection(nullptr);
  ASSERT_THAT(connection.open(endpoint_, Environment()), IsOk());
  connection.set_deadline(Connection::Clock::now() + std::chrono::milliseconds(20));
  EXPECT_EQ(read_error(connection), asio::error::timed_out);
}

TEST_F(ConnectionTest, CancellationInterruptsARead) {
  const Cancellation cancellation = must(Cancellation::create());
  Connection connection(&cancellation);
  ASSERT_THAT(connection.open(endpoint_, Environment()), IsOk());
  std::jthread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    cancellation.request();
  });
  EXPECT_EQ(read_error(connection), asio::error::operation_aborted);
}

TEST_F(ConnectionTest, OpenFailsIfNobodyListens) {
  listener_.close();
  Connection connection(nullptr);
  EXPECT_THAT(connection.open(endpoint_, Environment()),
              IsError(Errc::unavailable, "no connection"));
}

TEST_F(ConnectionTest, TlsHandshakeFailsAtTheDeadline) {
  endpoint_.tls = true;
  Connection connection(nullptr);
  connection.set_deadline(Connection::Clock::now() + std::chrono::milliseconds(50));
  EXPECT_THAT(connection.open(endpoint_, Environment()), IsError(Errc::unavailable, "no TLS"));
}

}  // namespace
}  // namespace rtenv::client
