// The connection between a server and a job's supervisor: JSON objects, one per line, over a Unix
// socket in the job's folder. The supervisor inherits the first connection from the server that
// starts it; a later server connects to the socket. Not thread-safe.
//
//   to the supervisor     {"start": {"gpus": [0, 1]}}   {"stop": "in order"}   {"stop": "at once"}
//   from the supervisor   its RunState, on connection and whenever it changes
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"

namespace rtenv::job {

/// Splits a stream of bytes into lines.
class LineBuffer {
 public:
  void add(std::string_view bytes) { text_.append(bytes); }
  /// The next complete line, without its newline; nullopt if there is none yet.
  std::optional<std::string> next();

 private:
  std::string text_;
};

/// The two ends of a connection without an address.
struct SocketPair {
  Fd ours;
  Fd theirs;
};
/// Fails: unavailable (no descriptor left).
Result<SocketPair> make_socket_pair();

/// Connects to a supervisor's socket. Fails: not_found, unavailable (no listener).
Result<Fd> connect_to(const Path& socket);

/// The supervisor's side: a listening socket and its connections.
class ControlSocket {
 public:
  /// Replaces a socket that an earlier supervisor left. `first`: the inherited connection, if any;
  /// `lines`: the bytes read from it so far. Fails: not_found (the folder), invalid_argument (the
  /// name is too long), unavailable (no descriptor left).
  static Result<ControlSocket> listen(const Path& socket, Fd first, LineBuffer lines);

  [[nodiscard]] int listening_fd() const noexcept { return listening_.get(); }
  [[nodiscard]] std::vector<int> connection_fds() const;
  /// Accepts all pending connections and sends `greeting` to each.
  void accept(const nlohmann::json& greeting);
  /// The messages in the `lines` that were passed to `listen`. Call once.
  std::vector<nlohmann::json> initial_messages();
  /// The complete messages that arrived on one connection. A line that isn't JSON becomes a
  /// discarded value. A closed connection is dropped.
  std::vector<nlohmann::json> receive(int connection_fd);
  /// Sends to all connections. Never blocks: a peer whose buffer is full is disconnected.
  void broadcast(const nlohmann::json& message);

 private:
  struct Connection {
    Fd fd;
    LineBuffer lines;
  };
  explicit ControlSocket(Fd listening) : listening_(std::move(listening)) {}
  static std::vector<nlohmann::json> messages(LineBuffer& lines);
  static bool send(const Connection& connection, const std::string& line);
  Fd listening_;
  std::vector<Connection> connections_;
};

}  // namespace rtenv::job
