// A job server in this process, on threads of its own. A process may have several, with different
// state folders, and may start another one after one has ended, with the same.
//
// The process stays as it is: no signal's disposition, signal mask, current folder or variable
// changes, and the server's threads handle no signals. Its children are the supervisors of its
// jobs, which it reaps by their pidfds as long as it runs.
//
// Thread-safe, but for moving and destroying. In a fork of the process that started it, it is
// nobody's: its functions fail or do nothing, and the destructor leaves the parent's server alone.
#pragma once

#include <memory>
#include <string>

#include "server/server_options.hpp"

namespace rtenv::server {

class Server {
 public:
  /// Opens the state and listens; returns when clients can connect. After an error nothing is left
  /// but the state folder. Fails: invalid_argument (an option, the token or the certificate),
  /// permission_denied (open to other machines without authentication and TLS), cancelled,
  /// unavailable (no more threads), and as open_listening_socket and JobManager::open.
  static Result<Server> start(ServerOptions options);

  Server(Server&& other) noexcept = default;
  /// Destroys the server that was here.
  Server& operator=(Server&& other) noexcept;
  /// As `stop`, but for its result. Takes a few seconds at most, unless the disk or an
  /// authenticator blocks. On a thread of the server itself it doesn't wait.
  ~Server();

  /// http://HOST:PORT, https://HOST:PORT or unix:PATH.
  [[nodiscard]] const std::string& address() const noexcept;

  /// Reads the token file and the certificate again, soon; if that fails, logs why and keeps the
  /// old ones. Does nothing after the end.
  void reload() noexcept;

  /// The server finishes current requests and ends; running jobs continue with their supervisors,
  /// and the next server with this state takes them over. Returns at once. Async-signal-safe.
  void request_stop() noexcept;
  /// For poll(2): readable when the server has ended. Valid as long as this object.
  [[nodiscard]] int poll_fd() const noexcept;
  /// Waits until the server has ended, and its threads have. Fails: internal (a fault of this
  /// library ended it: another one can be started), invalid_argument (on the server's own thread,
  /// or in a fork).
  Result<void> wait();
  /// request_stop() and wait(). Again: the same result.
  Result<void> stop();

 private:
  struct State;
  explicit Server(std::shared_ptr<State> state);
  void release() noexcept;
  std::shared_ptr<State> state_;  // null: moved from
};

}  // namespace rtenv::server
