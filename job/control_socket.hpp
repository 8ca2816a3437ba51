// How a server and a job's supervisor speak: JSON objects, one a line, over a Unix socket in the
// job's folder. The server's first connection is inherited; a later server connects anew. Not
// thread-safe.
//
//   to the supervisor     {"start": {"gpus": [0, 1]}}   {"stop": true}
//   from the supervisor   its RunState, at once and whenever it changes
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"

namespace rtenv::job {

/// Bytes in, whole lines out.
class LineBuffer {
 public:
  void add(std::string_view bytes) { text_.append(bytes); }
  /// The next whole line, without its end.
  std::optional<std::string> next();

 private:
  std::string text_;
};

/// The two ends of a connection that needs no address.
struct SocketPair {
  Fd ours;
  Fd theirs;
};
Result<SocketPair> make_socket_pair();

/// Fails: unavailable (nobody listens), not_found.
Result<Fd> connect_to(const Path& socket);

/// The supervisor's side.
class ControlSocket {
 public:
  /// `first`: the connection that it was started with, and what was read from it already. Replaces
  /// a socket that another left there.
  static Result<ControlSocket> listen(const Path& socket, Fd first, LineBuffer lines);

  [[nodiscard]] int listening_fd() const noexcept { return listening_.get(); }
  [[nodiscard]] std::vector<int> connection_fds() const;
  /// Takes who waits; `greeting` is what each is told first.
  void accept(const nlohmann::json& greeting);
  /// What was said before this listened.
  std::vector<nlohmann::json> early();
  /// What one connection says; a closed one is forgotten.
  std::vector<nlohmann::json> read(int connection_fd);
  /// To all. Who doesn't read is forgotten.
  void tell(const nlohmann::json& message);

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
