#include "server/server.hpp"

#include <sys/stat.h>

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
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <list>

#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "base/unique_name.hpp"
#include "cache/cache.hpp"
#include "server/job_manager.hpp"
#include "server/job_packages.hpp"
#include "server/session.hpp"
#include "server/systemd.hpp"

namespace rtenv::server {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr std::size_t k_node_id_digits = 56;  // as long as Ray's
constexpr auto k_accept_pause = std::chrono::milliseconds(100);
constexpr std::size_t k_max_connections = 8192;
constexpr auto k_time_to_finish = std::chrono::milliseconds(50);  // of current requests
constexpr auto k_cancel_pause = std::chrono::milliseconds(10);
constexpr int k_max_cancel_rounds = 500;

Result<std::string> read_token(const Path& file) {
  RTENV_TRY(const std::string text, read_file_or_stream(file));
  std::string token(trim_end(text));
  if (token.empty()) return fail(Errc::invalid_argument, "{} contains no token", file.native());
  struct stat status {};
  if (::stat(file.c_str(), &status) == 0 && (status.st_mode & 077U) != 0)
    log::warn("{} can be read by others: chmod 600 {}", file.native(), file.native());
  return token;
}

Result<std::shared_ptr<asio::ssl::context>> load_tls(const ServerOptions& options) {
  if (!options.tls_certificate) return std::shared_ptr<asio::ssl::context>();
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

// As durable as the state directory, because clients remember it.
Result<std::string> node_id(const Path& state_dir) {
  const Path file = state_dir / "node-id";
  if (auto known = read_file(file); known && known->size() == k_node_id_digits) return known;
  const std::string id = sha256_hex(unique_name()).substr(0, k_node_id_digits);
  RTENV_TRY(auto written, AtomicFile::create(file, 0600));
  RTENV_TRY(written.write(id));
  RTENV_TRY(written.commit());
  return id;
}

Result<void> check_exposure(const ServerOptions& options, bool loopback) {
  if (options.tls_certificate.has_value() != options.tls_key.has_value())
    return fail(Errc::invalid_argument, "--tls-cert and --tls-key must be given together");
  if (loopback || options.insecure) return {};
  std::string missing;
  if (!options.token_file) missing = "a token (--token-file)";
  if (!options.tls_certificate)
    missing += missing.empty() ? "TLS (--tls-cert, --tls-key)" : " and TLS (--tls-cert, --tls-key)";
  if (missing.empty()) return {};
  return fail(Errc::permission_denied,
              "--host {} opens this server to other machines, which requires {}: its clients run "
              "commands as this user",
              options.host, missing)
      .hint("--insecure allows it without them");
}

class Server {
 public:
  Server(ServerOptions options, Cancellation stop_packages)
      : options_(std::move(options)),
        packages_(options_.open_cache, options_.max_package_bytes, std::move(stop_packages)),
        acceptor_(context_),
        children_(context_, SIGCHLD),
        termination_(context_, SIGTERM, SIGINT),
        hangup_(context_, SIGHUP) {}

  Result<void> run();

 private:
  Result<void> listen();
  Result<void> load_access(bool loopback);
  asio::awaitable<void> accept();
  asio::awaitable<void> reap();
  asio::awaitable<void> reload();
  asio::awaitable<void> shut_down();

  ServerOptions options_;
  asio::io_context context_{1};
  JobPackages packages_;
  tcp::acceptor acceptor_;
  asio::signal_set children_;
  asio::signal_set termination_;
  asio::signal_set hangup_;
  std::shared_ptr<asio::ssl::context> tls_;
  std::unique_ptr<JobManager> jobs_;
  std::unique_ptr<Access> access_;
  std::unique_ptr<Api> api_;
  std::list<asio::cancellation_signal> connections_;
  bool shutting_down_ = false;
};

Result<void> Server::listen() {
  boost::system::error_code error;
  if (auto passed = activated_socket(options_.environment)) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    ::getsockname(passed->get(), reinterpret_cast<sockaddr*>(&address), &size);
    acceptor_.assign(address.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), passed->release(),
                     error);
    if (error)
      return fail(Errc::invalid_argument, "can't use the socket that systemd passed: {}",
                  error.message());
    return {};
  }
  auto address =
      asio::ip::make_address(options_.host == "localhost" ? "127.0.0.1" : options_.host, error);
  if (error)
    return fail(Errc::invalid_argument, "--host {} isn't an IP address", options_.host)
        .hint("use 127.0.0.1, ::1, 0.0.0.0 or ::");
  const tcp::endpoint endpoint(address, options_.port);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error == asio::error::address_in_use)
    return fail(Errc::unavailable, "port {} of {} is in use", options_.port, options_.host)
        .hint("--port 0 chooses a free one");
  if (error == asio::error::access_denied)
    return fail(Errc::permission_denied, "not allowed to listen on port {} of {}", options_.port,
                options_.host)
        .hint("use a port above 1023, which needs no privilege");
  if (error)
    return fail(Errc::unavailable, "can't listen on {} port {}: {}", options_.host, options_.port,
                error.message());
  return {};
}

Result<void> Server::load_access(bool loopback) {
  std::optional<std::string> token;
  if (options_.token_file) {
    RTENV_TRY(token, read_token(*options_.token_file));
  }
  RTENV_TRY(tls_, load_tls(options_));
  access_ = std::make_unique<Access>(std::move(token), options_.allowed_hosts, loopback);
  return {};
}

Result<void> Server::run() {
  ::signal(SIGPIPE, SIG_IGN);
  RTENV_TRY(listen());
  boost::system::error_code error;
  const tcp::endpoint local = acceptor_.local_endpoint(error);
  const bool loopback = local.address().is_loopback();
  RTENV_TRY(check_exposure(options_, loopback));
  RTENV_TRY(load_access(loopback));
  const std::string shown_host = local.address().is_v6()
                                     ? fmt::format("[{}]", local.address().to_string())
                                     : local.address().to_string();
  const std::string address =
      fmt::format("{}://{}:{}", tls_ ? "https" : "http", shown_host, local.port());
  RTENV_TRY(jobs_, JobManager::open(context_.get_executor(), options_.manager, packages_));
  RTENV_TRY(auto id, node_id(options_.manager.state_dir));
  api_ = std::make_unique<Api>(
      *jobs_, packages_,
      ApiIdentity{.rtenv_version = options_.rtenv_version,
                  .ray_version = options_.ray_version,
                  .session_name = "session_" + unique_name(),
                  .node = {.node_id = std::move(id), .agent_address = address}});
  asio::co_spawn(context_, accept(), asio::detached);
  asio::co_spawn(context_, reap(), asio::detached);
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
    // At the connection limit, or without a free descriptor, existing clients are served first.
    if (error || connections_.size() >= k_max_connections) {
      pause.expires_after(k_accept_pause);
      co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
      continue;
    }
    const auto connection = connections_.emplace(connections_.end());
    asio::co_spawn(
        context_,
        serve_connection(std::move(socket), tls_, {.api = *api_, .access = *access_, .limits = {}}),
        asio::bind_cancellation_slot(
            connection->slot(), [this, connection](const std::exception_ptr& fault) {
              connections_.erase(connection);
              try {
                if (fault) std::rethrow_exception(fault);
              } catch (const std::exception& what) {
                if (!shutting_down_)
                  log::warn("closed a connection after an error: {}", what.what());
              }
            }));
  }
}

asio::awaitable<void> Server::reap() {
  for (;;) {
    const auto [error, number] = co_await children_.async_wait(asio::as_tuple(asio::use_awaitable));
    if (error) co_return;
    JobManager::reap_children();
  }
}

asio::awaitable<void> Server::reload() {
  for (;;) {
    const auto [error, number] = co_await hangup_.async_wait(asio::as_tuple(asio::use_awaitable));
    if (error) co_return;
    // After an error the old ones stay in use.
    if (options_.token_file) {
      if (auto token = read_token(*options_.token_file))
        access_->set_token(std::move(*token));
      else
        log::warn("keeping the old token: {}", token.error().message());
    }
    if (auto tls = load_tls(options_))
      tls_ = std::move(*tls);
    else
      log::warn("keeping the old certificate: {}", tls.error().message());
    log::info("reloaded token and certificate");
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
  jobs_->drain();
  // Finish current requests, then cancel the rest before shared state is destroyed.
  asio::steady_timer pause(context_, k_time_to_finish);
  co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
  for (int round = 0; !connections_.empty() && round < k_max_cancel_rounds; ++round) {
    for (auto& connection : connections_) connection.emit(asio::cancellation_type::terminal);
    pause.expires_after(k_cancel_pause);
    co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  jobs_->close();
  children_.cancel(ignored);
  hangup_.cancel(ignored);
}

}  // namespace

Result<void> serve(ServerOptions options) {
  RTENV_TRY(auto stop_packages, Cancellation::create());
  return Server(std::move(options), std::move(stop_packages)).run();
}

}  // namespace rtenv::server
