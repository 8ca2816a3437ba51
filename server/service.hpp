// What runs on a server's thread: accepts connections, serves them, and ends in order. All network
// I/O is on one thread, which makes, uses and destroys this object.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/ssl/context.hpp>
#include <exception>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "base/event.hpp"
#include "server/audit_log.hpp"
#include "server/job_manager.hpp"
#include "server/job_packages.hpp"
#include "server/server_options.hpp"
#include "server/session.hpp"
#include "server/token_authenticator.hpp"
#include "server/worker_pool.hpp"

namespace rtenv::server {

class Service {
 public:
  /// Clients can connect from then on, but are served by `run`. The events must outlive it. Fails:
  /// invalid_argument (an option is missing or wrong), permission_denied (open to other machines
  /// without authentication and TLS), and as open_listening_socket and JobManager::open.
  static Result<std::unique_ptr<Service>> open(ServerOptions options, const Event& stop,
                                               const Event& reload);
  /// Use `open`.
  Service(ServerOptions options, Cancellation stop_packages, const Event& stop,
          const Event& reload);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  ~Service();

  /// http://HOST:PORT or unix:PATH
  [[nodiscard]] const std::string& address() const noexcept { return address_; }

  /// Until the event `stop`. Fails: internal (a fault of this library).
  Result<void> run();

 private:
  Result<void> prepare();
  Result<void> listen();
  Result<void> load_access();
  boost::asio::awaitable<void> accept();
  void serve(boost::asio::ip::tcp::socket socket);
  boost::asio::awaitable<void> serve_identified(boost::asio::ip::tcp::socket socket,
                                                SessionContext session);
  bool drop_idle_connection();
  boost::asio::awaitable<void> reload();
  Result<void> reload_tokens();
  boost::asio::awaitable<void> shut_down();
  void close_entrance();
  /// Where an exception ended a coroutine. A connection and a job are given up; without the rest,
  /// the server ends in order.
  enum class Fault : std::uint8_t { of_connection, of_job, of_server, of_end };
  void on_fault(const std::exception_ptr& fault, Fault kind) noexcept;
  void end_if_lost() noexcept;

  ServerOptions options_;
  const Event& stop_event_;
  const Event& reload_event_;
  boost::asio::io_context context_{1};
  JobPackages packages_;
  boost::asio::ip::tcp::acceptor acceptor_{context_};
  boost::asio::posix::stream_descriptor stop_{context_};
  boost::asio::posix::stream_descriptor reload_{context_};
  std::shared_ptr<boost::asio::ssl::context> tls_;
  std::unique_ptr<JobManager> jobs_;
  std::shared_ptr<TokenAuthenticator> tokens_;  // null: the options have another authenticator
  std::unique_ptr<Access> access_;
  std::unique_ptr<AuditLog> audit_;
  std::unique_ptr<Api> api_;
  Budget bodies_{options_.max_request_memory_bytes};
  Budget uploads_{options_.max_uploads_bytes};
  std::optional<WorkerPool> peer_checks_;  // where jobs are sandboxed
  struct Connection {
    boost::asio::cancellation_signal signal;
    bool is_idle = false;
  };
  std::list<Connection> connections_;  // the oldest first
  std::size_t max_connections_;
  ListeningSocket socket_;  // without its descriptor, which the acceptor has
  std::string address_;
  bool shutting_down_ = false;
  /// Of a coroutine. For lack of memory, Asio may destroy one and tell nobody.
  enum class Course : std::uint8_t { not_begun, running, ended, lost };
  class CourseWatch;
  Course accept_course_ = Course::not_begun;
  Course shut_down_course_ = Course::not_begun;
  Result<void> outcome_;
};

}  // namespace rtenv::server
