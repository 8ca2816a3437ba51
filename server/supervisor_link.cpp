#include "server/supervisor_link.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "base/json_text.hpp"
#include "server/hand_over.hpp"
#include "server/spawn.hpp"

namespace rtenv::server {

namespace asio = boost::asio;

namespace {

constexpr std::size_t k_read_bytes = 8192;

}  // namespace

void SupervisorLink::open(Fd socket) {
  close();
  connection_ = std::make_shared<Connection>(executor_);
  hand_over(std::move(socket), connection_->socket, asio::local::stream_protocol());
}

void SupervisorLink::close() {
  if (!connection_) return;
  boost::system::error_code ignored;
  connection_->socket.close(ignored);
  connection_.reset();
}

asio::awaitable<std::optional<job::RunState>> SupervisorLink::next_state() {
  const ConnectionPtr connection = connection_;
  if (!connection) co_return std::nullopt;
  std::array<char, k_read_bytes> buffer;
  for (;;) {
    while (const auto line = connection->lines.next())
      if (auto state = job::run_state_from_json(json_from_text(*line))) co_return state;
    const auto [error, count] = co_await connection->socket.async_read_some(
        asio::buffer(buffer), asio::as_tuple(asio::use_awaitable));
    if (error) break;
    connection->lines.add(std::string_view(buffer.data(), count));
  }
  if (connection == connection_) close();
  co_return std::nullopt;
}

void SupervisorLink::send_order(const job::JobOrder& order) {
  send(json_text(to_json(order)) + "\n");
}

void SupervisorLink::send_start(const std::vector<int>& gpus) {
  send(json_text({{"start", {{"gpus", gpus}}}}) + "\n");
}

void SupervisorLink::send_stop(Stop how) {
  send(json_text({{"stop", how == Stop::at_once ? "at once" : "in order"}}) + "\n");
}

// One write at a time; lines that are added meanwhile go with the next one.
void SupervisorLink::send(std::string_view line) {
  if (!connection_) return;
  connection_->outbox.append(line);
  if (!std::exchange(connection_->sending, true)) spawn(executor_, flush(connection_));
}

// next_state() notices a closed connection.
asio::awaitable<void> SupervisorLink::flush(ConnectionPtr connection) {
  while (!connection->outbox.empty()) {
    const std::string data = std::exchange(connection->outbox, {});
    const auto [error, count] = co_await asio::async_write(connection->socket, asio::buffer(data),
                                                           asio::as_tuple(asio::use_awaitable));
    if (error) break;
  }
  connection->sending = false;
}

}  // namespace rtenv::server
