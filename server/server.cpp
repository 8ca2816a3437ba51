#include "server/server.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <list>

#include "base/file.hpp"
#include "base/log.hpp"
#include "base/open_files.hpp"
#include "base/stream_input.hpp"
#include "base/unique_name.hpp"
#include "cache/cache.hpp"
#include "server/audit_log.hpp"
#include "server/job_manager.hpp"
#include "server/job_packages.hpp"
#include "server/listening_socket.hpp"
#include "server/run_on.hpp"
#include "server/sandboxed_peer.hpp"
#include "server/session.hpp"
#include "server/systemd.hpp"

namespace rtenv::server {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto k_accept_pause = std::chrono::milliseconds(10);
constexpr auto k_drop_pause = std::chrono::milliseconds(1);
constexpr std::size_t k_max_connections = 8192;
constexpr std::size_t k_jobs_share = 2;  // jobs have the other half of the descriptors
constexpr auto k_time_to_finish = std::chrono::milliseconds(50);  // of current requests
constexpr auto k_cancel_pause = std::chrono::milliseconds(10);
constexpr int k_max_cancel_rounds = 500;

// `at_start`: the file may be a pipe. Later, nobody might write to it.
Result<std::vector<Token>> load_tokens(const ServerOptions& options, bool at_start) {
  std::vector<Token> tokens;
  if (options.token) tokens.push_back({.secret = *options.token, .caller = {.name = "token"}});
  if (!options.token_file) return tokens;
  const std::string& file = options.token_file->native();
  RTENV_TRY(const std::string text,
            at_start ? read_file_or_stream(file, options.cancellation) : read_file(file));
  auto parsed = parse_tokens(text);
  if (!parsed) return fail(parsed.error().code(), "{}: {}", file, parsed.error().message());
  struct stat status {};
  if (::stat(file.c_str(), &status) == 0 && (status.st_mode & 077U) != 0)
    log::warn("{} can be read by others: chmod 600 {}", file, file);
  std::ranges::move(*parsed, std::back_inserter(tokens));
  return tokens;
}

Result<std::shared_ptr<asio::ssl::context>> load_tls(const ServerOptions& options) {
  if (!options.tls_certificate) return std::shared_ptr<asio::ssl::context>();
  // A pipe in their place would be waited for.
  RTENV_TRY(open_regular_file(*options.tls_certificate, O_RDONLY));
  RTENV_TRY(open_regular_file(*options.tls_key, O_RDONLY));
  auto tls = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  boost::system::error_code error;
  tls->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                       asio::ssl::context::no_tlsv1_1,
                   error);
  tls->use_certificate_chain_file(options.tls_certificate->native(), error);
  if (error)
    return fail(Errc::invalid_argument, "{} isn't a certificate: {}",
                options.tls_certificate->native(), error.message());
  tls->use_private_key_file(options.tls_key->native(), asio::ssl::context::pem, error);
  if (error)
    return fail(Errc::invalid_argument, "{} isn't the key of that certificate: {}",
                options.tls_key->native(), error.message());
  return tls;
}

Result<void> check_exposure(const ServerOptions& options, bool loopback) {
  if (options.tls_certificate.has_value() != options.tls_key.has_value())
    return fail(Errc::invalid_argument, "--tls-cert and --tls-key must be given together");
  if (loopback || options.insecure) return {};
  std::string missing;
  if (!options.token_file && !options.token) missing = "a token (--token-file)";
  if (!options.tls_certificate)
    missing += missing.empty() ? "TLS (--tls-cert, --tls-key)" : " and TLS (--tls-cert, --tls-key)";
  if (missing.empty()) return {};
  return fail(Errc::permission_denied,
              "--host {} opens this server to other machines, which requires {}: its clients run "
              "commands as this user",
              options.listen.host, missing)
      .hint("--insecure allows it without them");
}

class Server {
 public:
  Server(ServerOptions options, Cancellation stop_packages)
      : options_(std::move(options)),
        packages_(options_.open_cache, options_.max_package_bytes, std::move(stop_packages)),
        acceptor_(context_),
        termination_(context_, SIGTERM, SIGINT),
        hangup_(context_, SIGHUP) {
    if (options_.manager.sandbox) peer_checks_.emplace(1);
  }

  Result<void> run();

 private:
  Result<void> listen();
  Result<void> load_access();
  asio::awaitable<void> accept();
  void serve(tcp::socket socket);
  asio::awaitable<void> serve_identified(tcp::socket socket, SessionContext session);
  bool drop_idle_connection();
  asio::awaitable<void> reload();
  asio::awaitable<void> shut_down();

  ServerOptions options_;
  asio::io_context context_{1};
  JobPackages packages_;
  tcp::acceptor acceptor_;
  asio::signal_set termination_;
  asio::signal_set hangup_;
  std::shared_ptr<asio::ssl::context> tls_;
  std::unique_ptr<JobManager> jobs_;
  std::unique_ptr<Access> access_;
  std::unique_ptr<AuditLog> audit_;
  std::unique_ptr<Api> api_;
  Budget bodies_{options_.max_request_memory_bytes};
  Budget uploads_{options_.max_uploads_bytes};
  std::optional<asio::thread_pool> peer_checks_;  // where jobs are sandboxed
  struct Connection {
    asio::cancellation_signal signal;
    bool is_idle = false;
  };
  std::list<Connection> connections_;  // the oldest first
  std::size_t max_connections_ =
      std::min<std::size_t>(k_max_connections, open_files_limit() / k_jobs_share);
  std::string address_;  // of the listening socket
  bool is_unix_ = false;
  std::uint64_t socket_inode_ = 0;
  bool shutting_down_ = false;
};

Result<void> Server::listen() {
  RTENV_TRY(auto socket, open_listening_socket(options_.listen, options_.environment));
  if (socket.family == AF_UNIX && options_.insecure) ::chmod(socket.address.c_str(), 0666);
  RTENV_TRY(check_exposure(options_, socket.is_local));
  is_unix_ = socket.family == AF_UNIX;
  socket_inode_ = socket.inode;
  address_ = std::move(socket.address);
  boost::system::error_code error;
  // Asio uses a socket's descriptor only: a Unix socket can be one of its TCP sockets.
  acceptor_.assign(socket.family == AF_INET6 ? tcp::v6() : tcp::v4(), socket.fd.release(), error);
  if (error)
    return fail(Errc::invalid_argument, "can't use the listening socket: {}", error.message());
  return {};
}

Result<void> Server::load_access() {
  RTENV_TRY(auto tokens, load_tokens(options_, true));
  RTENV_TRY(tls_, load_tls(options_));
  access_ = std::make_unique<Access>(Access::Settings{.tokens = std::move(tokens),
                                                      .hosts = options_.allowed_hosts,
                                                      .open = options_.insecure,
                                                      .owner = ::geteuid()});
  return {};
}

Result<void> Server::run() {
  ::signal(SIGPIPE, SIG_IGN);
  RTENV_TRY(listen());
  RTENV_TRY(load_access());
  const std::string address =
      is_unix_ ? "unix:" + address_ : fmt::format("{}://{}", tls_ ? "https" : "http", address_);
  RTENV_TRY(jobs_, JobManager::open(context_.get_executor(), options_.manager, packages_));
  audit_ = std::make_unique<AuditLog>(options_.manager.state_dir / "audit.log");
  api_ = std::make_unique<Api>(
      *jobs_, packages_, *audit_, uploads_,
      ApiIdentity{.rtenv_version = options_.rtenv_version,
                  .ray_version = options_.ray_version,
                  .session_name = "session_" + unique_name(),
                  .node = {.node_id = jobs_->node_id(), .agent_address = address}});
  asio::co_spawn(context_, accept(), asio::detached);
  asio::co_spawn(context_, reload(), asio::detached);
  asio::co_spawn(context_, shut_down(), asio::detached);
  if (options_.on_ready) options_.on_ready(address);
  notify_systemd(options_.environment, "READY=1");
  context_.run();
  notify_systemd(options_.environment, "STOPPING=1");
  return {};
}

asio::awaitable<void> Server::accept() {
  asio::steady_timer pause(context_);
  for (;;) {
    auto [error, socket] = co_await acceptor_.async_accept(asio::as_tuple(asio::use_awaitable));
    if (error == asio::error::operation_aborted || !acceptor_.is_open()) co_return;
    // At the connection limit, or without a free descriptor, those that ask are served first.
    if (error || connections_.size() >= max_connections_) {
      pause.expires_after(drop_idle_connection() ? k_drop_pause : k_accept_pause);
      co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    if (error || connections_.size() > max_connections_) continue;
    serve(std::move(socket));
  }
}

void Server::serve(tcp::socket socket) {
  const auto connection = connections_.emplace(connections_.end());
  SessionContext session{.api = *api_,
                         .access = *access_,
                         .peer = identify_peer(socket.native_handle()),
                         .bodies = bodies_,
                         .is_idle = connection->is_idle,
                         .limits = {.body_bytes = options_.max_request_bytes}};
  asio::co_spawn(
      context_, serve_identified(std::move(socket), std::move(session)),
      asio::bind_cancellation_slot(
          connection->signal.slot(), [this, connection](const std::exception_ptr& fault) {
            connections_.erase(connection);
            try {
              if (fault) std::rethrow_exception(fault);
            } catch (const std::exception& what) {
              if (!shutting_down_) log::warn("closed a connection after an error: {}", what.what());
            }
          }));
}

// Jobs have the server's user id, too: those in a sandbox are nobody's.
asio::awaitable<void> Server::serve_identified(tcp::socket socket, SessionContext session) {
  if (peer_checks_ && session.peer.uid == ::geteuid()) {
    std::function<bool()> check = [peer = session.peer] { return may_be_sandboxed(peer); };
    session.peer.is_sandboxed = co_await run_on(*peer_checks_, std::move(check));
    if (session.peer.is_sandboxed) session.peer.uid.reset();
  }
  co_await serve_connection(std::move(socket), tls_, std::move(session));
}

// The one that has been idle for longest, or nearly. False if there is none.
bool Server::drop_idle_connection() {
  const auto idle = std::ranges::find(connections_, true, &Connection::is_idle);
  if (idle == connections_.end()) return false;
  idle->is_idle = false;
  idle->signal.emit(asio::cancellation_type::terminal);
  return true;
}

asio::awaitable<void> Server::reload() {
  for (;;) {
    const auto [error, number] = co_await hangup_.async_wait(asio::as_tuple(asio::use_awaitable));
    if (error) co_return;
    // After an error the old ones stay in use.
    const auto tokens = load_tokens(options_, false);
    if (tokens)
      access_->set_tokens(*tokens);
    else
      log::warn("keeping the old tokens: {}", tokens.error().message());
    const auto tls = load_tls(options_);
    if (tls)
      tls_ = *tls;
    else
      log::warn("keeping the old certificate: {}", tls.error().message());
    if (tokens && tls) log::info("reloaded tokens and certificate");
  }
}

asio::awaitable<void> Server::shut_down() {
  const auto [error, number] =
      co_await termination_.async_wait(asio::as_tuple(asio::use_awaitable));
  if (error) co_return;
  log::info("shutting down; running jobs continue, and the next server takes them over");
  shutting_down_ = true;
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  if (is_unix_) remove_socket_file(address_, socket_inode_);
  jobs_->drain();
  packages_.cancel();
  // Finish current requests, then cancel the rest before shared state is destroyed.
  asio::steady_timer pause(context_, k_time_to_finish);
  co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
  for (int round = 0; !connections_.empty() && round < k_max_cancel_rounds; ++round) {
    for (auto& connection : connections_) connection.signal.emit(asio::cancellation_type::terminal);
    pause.expires_after(k_cancel_pause);
    co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  jobs_->close();
  hangup_.cancel(ignored);
}

}  // namespace

Result<void> serve(ServerOptions options) {
  RTENV_TRY(auto stop_packages, Cancellation::create());
  return Server(std::move(options), std::move(stop_packages)).run();
}

}  // namespace rtenv::server
