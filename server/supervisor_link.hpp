// The server's side of the connection to a job's supervisor. For the executor's thread.
#pragma once

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "job/control_socket.hpp"
#include "job/job_order.hpp"
#include "job/run_state.hpp"
#include "server/job_record.hpp"

namespace rtenv::server {

class SupervisorLink {
 public:
  explicit SupervisorLink(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

  [[nodiscard]] bool is_open() const noexcept { return connection_ != nullptr; }
  /// Uses a connected socket. Replaces an earlier connection.
  void open(Fd socket);
  void close();

  /// The next state that the supervisor reports; nullopt when the connection has been closed, by
  /// either side. One caller at a time.
  boost::asio::awaitable<std::optional<job::RunState>> next_state();

  void send_order(const job::JobOrder& order);
  /// Gives permission to run the entrypoint; the supervisor ignores all but the first one.
  void send_start(const std::vector<int>& gpus);
  void send_stop(Stop how);

 private:
  struct Connection {
    explicit Connection(const boost::asio::any_io_executor& executor) : socket(executor) {}
    boost::asio::local::stream_protocol::socket socket;
    job::LineBuffer lines;
    std::string outbox;
    bool sending = false;
  };
  using ConnectionPtr = std::shared_ptr<Connection>;
  void send(std::string_view line);
  static boost::asio::awaitable<void> flush(ConnectionPtr connection);

  boost::asio::any_io_executor executor_;
  ConnectionPtr connection_;  // null: closed
};

}  // namespace rtenv::server
