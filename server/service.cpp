#include "server/service.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/exceptions.hpp"
#include "base/log.hpp"
#include "base/open_files.hpp"
#include "base/unique_name.hpp"
#include "cache/cache.hpp"
#include "server/credentials.hpp"
#include "server/hand_over.hpp"
#include "server/job_state.hpp"
#include "server/run_on.hpp"
#include "server/sandboxed_peer.hpp"

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

const auto k_result = asio::as_tuple(asio::use_awaitable);

// The waiter closes its own descriptor of the event.
Result<void> watch(const Event& event, asio::posix::stream_descriptor& waiter) {
  Fd fd(::fcntl(event.poll_fd(), F_DUPFD_CLOEXEC, 3));
  if (!fd) return fail_errno("duplicate", "an eventfd");
  hand_over(std::move(fd), waiter);
  return {};
}

}  // namespace

Result<std::unique_ptr<Service>> Service::open(ServerOptions options, const Event& stop,
                                               const Event& reload) {
  if (!options.open_cache)
    return fail(Errc::invalid_argument, "the server's options don't say how to open the cache");
  if (options.manager.state_dir.empty())
    return fail(Errc::invalid_argument, "the server's options name no folder for the state");
  RTENV_TRY(auto stop_packages, Cancellation::create());
  auto service =
      std::make_unique<Service>(std::move(options), std::move(stop_packages), stop, reload);
  RTENV_TRY(service->prepare());
  return service;
}

Service::Service(ServerOptions options, Cancellation stop_packages, const Event& stop,
                 const Event& reload)
    : options_(std::move(options)),
      stop_event_(stop),
      reload_event_(reload),
      packages_(options_.open_cache, options_.max_package_bytes, std::move(stop_packages)),
      max_connections_(
          std::min<std::size_t>(k_max_connections, open_files_limit() / k_jobs_share)) {
  if (options_.manager.sandbox) peer_checks_.emplace(1);
}

// If `run` wasn't called, jobs may have been taken over: what waits for them ends now.
Service::~Service() {
  close_entrance();
  if (!jobs_) return;
  boost::system::error_code ignored;
  stop_.close(ignored);
  reload_.close(ignored);
  jobs_->close();
  context_.restart();
  [[maybe_unused]] const auto ended = run();
}

Result<void> Service::prepare() {
  RTENV_TRY(watch(stop_event_, stop_));
  RTENV_TRY(watch(reload_event_, reload_));
  RTENV_TRY(listen());
  RTENV_TRY(load_access());
  address_ = socket_.family == AF_UNIX
                 ? "unix:" + socket_.address
                 : fmt::format("{}://{}", tls_ ? "https" : "http", socket_.address);
  RTENV_TRY(jobs_, JobManager::open(context_.get_executor(), options_.manager, packages_));
  audit_ = std::make_unique<AuditLog>(options_.manager.state_dir / "audit.log");
  api_ = std::make_unique<Api>(
      *jobs_, packages_, *audit_, uploads_,
      ApiIdentity{.rtenv_version = options_.rtenv_version,
                  .ray_version = options_.ray_version,
                  .session_name = "session_" + unique_name(),
                  .node = {.node_id = jobs_->node_id(), .agent_address = address_}});
  const auto watched = [this](Fault kind) {
    return [this, kind](const std::exception_ptr& fault) { on_fault(fault, kind); };
  };
  asio::co_spawn(context_, accept(), watched(Fault::of_server));
  asio::co_spawn(context_, this->reload(), watched(Fault::of_server));
  asio::co_spawn(context_, shut_down(), watched(Fault::of_end));
  return {};
}

Result<void> Service::listen() {
  if (options_.listening_socket) {
    RTENV_TRY(socket_, describe_listening_socket(std::move(options_.listening_socket)));
  } else {
    RTENV_TRY(socket_, open_listening_socket(options_.listen));
  }
  if (socket_.family == AF_UNIX && options_.insecure) ::chmod(socket_.address.c_str(), 0666);
  boost::system::error_code error;
  // Asio uses a socket's descriptor only: a Unix socket can be one of its TCP sockets.
  acceptor_.assign(socket_.family == AF_INET6 ? tcp::v6() : tcp::v4(), socket_.fd.get(), error);
  if (error)
    return fail(Errc::invalid_argument, "can't use the listening socket: {}", error.message());
  socket_.fd.release();
  return check_exposure(options_, socket_.is_local);
}

Result<void> Service::load_access() {
  std::shared_ptr<Authenticator> authenticator = options_.authenticator;
  if (authenticator && (options_.token || options_.token_file))
    return fail(Errc::invalid_argument, "a server has either tokens or its own authenticator");
  if (!authenticator) {
    RTENV_TRY(auto tokens, load_tokens(options_, ReadTokens::at_start));
    tokens_ = std::make_shared<TokenAuthenticator>(TokenAuthenticator::Settings{
        .tokens = std::move(tokens), .open = options_.insecure, .owner = ::geteuid()});
    authenticator = tokens_;
  }
  RTENV_TRY(tls_, load_tls(options_));
  access_ = std::make_unique<Access>(std::move(authenticator), options_.allowed_hosts);
  return {};
}

Result<void> Service::run() {
  for (;;) {
    try {
      while (context_.run_one() != 0) end_if_lost();
      return outcome_;
    } catch (...) {  // of a coroutine that nobody waits for, or of Asio itself, which lost one
      // One that was destroyed before it began is lost, too.
      const auto lives = [](Course course) {
        return course == Course::running || course == Course::ended;
      };
      const bool is_lost = !lives(shut_down_course_) || (!lives(accept_course_) && !shutting_down_);
      on_fault(std::current_exception(), is_lost ? Fault::of_server : Fault::of_job);
      if (!lives(shut_down_course_)) context_.stop();
    }
  }
}

// Asio destroys a coroutine that it couldn't resume in a later handler, and tells nobody.
void Service::end_if_lost() noexcept {
  const auto is_lost = [](Course& course) {  // which is noticed once
    if (course != Course::lost) return false;
    course = Course::ended;
    return true;
  };
  const bool cannot_shut_down = is_lost(shut_down_course_);
  const bool cannot_accept = is_lost(accept_course_) && !shutting_down_;
  if (!cannot_shut_down && !cannot_accept) return;
  (void)without_exceptions([&]() -> Result<void> {
    if (outcome_) outcome_ = fail(Errc::internal, "the job server ended: out of memory");
    return {};
  });
  if (cannot_shut_down)
    context_.stop();
  else
    stop_event_.raise();
}

void Service::on_fault(const std::exception_ptr& fault, Fault kind) noexcept {
  if (!fault) return;
  const auto reported = without_exceptions([&]() -> Result<void> {
    bool ends = kind == Fault::of_server;
    try {
      std::rethrow_exception(fault);
    } catch (const WrongTransition& bug) {
      outcome_ = fail(Errc::internal, "the job server ended because of a bug: {}", bug.what());
      ends = true;
    } catch (...) {
      const Error error = error_of_current_exception();
      if (ends)
        outcome_ = fail(Errc::internal, "the job server ended: {}", error.message());
      else if (kind == Fault::of_job)
        log::warn("the job server goes on after an error: {}", error.message());
      else if (!shutting_down_)
        log::warn("closed a connection after an error: {}", error.message());
    }
    if (ends) stop_event_.raise();
    return {};
  });
  if (!reported && kind == Fault::of_server) stop_event_.raise();
  if (kind == Fault::of_end) context_.stop();
}

// Notices that its coroutine is destroyed before its end.
class Service::CourseWatch {
 public:
  explicit CourseWatch(Course& course) : course_(course) { course_ = Course::running; }
  CourseWatch(const CourseWatch&) = delete;
  CourseWatch& operator=(const CourseWatch&) = delete;
  ~CourseWatch() {
    if (course_ == Course::running) course_ = Course::lost;
  }
  void end() noexcept { course_ = Course::ended; }

 private:
  Course& course_;
};

asio::awaitable<void> Service::accept() {
  CourseWatch course(accept_course_);
  asio::steady_timer pause(context_);
  for (;;) {
    auto [error, socket] = co_await acceptor_.async_accept(k_result);
    if (error == asio::error::operation_aborted || !acceptor_.is_open()) co_return course.end();
    // At the connection limit, or without a free descriptor, those that ask are served first.
    if (error || connections_.size() >= max_connections_) {
      pause.expires_after(drop_idle_connection() ? k_drop_pause : k_accept_pause);
      co_await pause.async_wait(k_result);
    }
    if (error || connections_.size() > max_connections_) continue;
    serve(std::move(socket));
  }
}

void Service::serve(tcp::socket socket) {
  const auto connection = connections_.emplace(connections_.end());
  SessionContext session{.api = *api_,
                         .access = *access_,
                         .peer = identify_peer(socket.native_handle()),
                         .bodies = bodies_,
                         .is_idle = connection->is_idle,
                         .limits = {.body_bytes = options_.max_request_bytes}};
  asio::co_spawn(context_, serve_identified(std::move(socket), std::move(session)),
                 asio::bind_cancellation_slot(connection->signal.slot(),
                                              [this, connection](const std::exception_ptr& fault) {
                                                connections_.erase(connection);
                                                on_fault(fault, Fault::of_connection);
                                              }));
}

// Jobs have the server's user id, too: those in a sandbox are nobody's.
asio::awaitable<void> Service::serve_identified(tcp::socket socket, SessionContext session) {
  if (peer_checks_ && session.peer && session.peer->uid == ::geteuid()) {
    std::function<Result<bool>()> check = [peer = *session.peer] { return may_be_sandboxed(peer); };
    const auto is_sandboxed = co_await run_on(*peer_checks_, std::move(check));
    if (!is_sandboxed) {
      session.peer = Failure(is_sandboxed.error());
    } else if (*is_sandboxed) {
      session.peer->is_sandboxed = true;
      session.peer->uid.reset();
    }
  }
  co_await serve_connection(std::move(socket), tls_, std::move(session));
}

// The one that has been idle for longest, or nearly. False if there is none.
bool Service::drop_idle_connection() {
  const auto idle = std::ranges::find(connections_, true, &Connection::is_idle);
  if (idle == connections_.end()) return false;
  idle->is_idle = false;
  idle->signal.emit(asio::cancellation_type::terminal);
  return true;
}

asio::awaitable<void> Service::reload() {
  for (;;) {
    const auto [error] =
        co_await reload_.async_wait(asio::posix::stream_descriptor::wait_read, k_result);
    if (error) co_return;
    reload_event_.clear();
    // After an error the old ones stay in use.
    Result<void> tokens;
    if (tokens_) tokens = reload_tokens();
    if (!tokens) log::warn("keeping the old tokens: {}", tokens.error().message());
    const auto tls = load_tls(options_);
    if (tls)
      tls_ = *tls;
    else
      log::warn("keeping the old certificate: {}", tls.error().message());
    if (tokens && tls) log::info("reloaded tokens and certificate");
  }
}

Result<void> Service::reload_tokens() {
  RTENV_TRY(auto tokens, load_tokens(options_, ReadTokens::again));
  tokens_->set_tokens(std::move(tokens));
  return {};
}

asio::awaitable<void> Service::shut_down() {
  CourseWatch course(shut_down_course_);
  const auto [error] =
      co_await stop_.async_wait(asio::posix::stream_descriptor::wait_read, k_result);
  if (error == asio::error::operation_aborted) co_return course.end();
  if (error) outcome_ = fail(Errc::internal, "the job server ended: {}", error.message());
  log::info("shutting down; running jobs continue, and the next server takes them over");
  close_entrance();
  // Finish current requests, then cancel the rest before shared state is destroyed.
  asio::steady_timer pause(context_, k_time_to_finish);
  if (!connections_.empty()) co_await pause.async_wait(k_result);
  for (int round = 0; !connections_.empty() && round < k_max_cancel_rounds; ++round) {
    for (auto& connection : connections_) connection.signal.emit(asio::cancellation_type::terminal);
    pause.expires_after(k_cancel_pause);
    co_await pause.async_wait(k_result);
  }
  jobs_->close();
  boost::system::error_code ignored;
  reload_.close(ignored);
  course.end();
}

void Service::close_entrance() {
  shutting_down_ = true;
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  if (socket_.family == AF_UNIX)
    remove_socket_file(socket_.address, std::exchange(socket_.inode, 0));
  if (jobs_) jobs_->drain();
  packages_.cancel();
}

}  // namespace rtenv::server
