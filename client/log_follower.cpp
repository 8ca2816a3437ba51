#include "client/log_follower.hpp"

#include <poll.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/encoding.hpp"
#include "base/json_text.hpp"
#include "base/log.hpp"
#include "client/log_socket.hpp"
#include "job/job_log.hpp"

namespace rtenv::client {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

constexpr auto k_first_pause = std::chrono::milliseconds(50);
constexpr auto k_longest_pause = std::chrono::milliseconds(1000);

class LogFollower {
 public:
  LogFollower(JobClient& client, const std::string& id, const FollowOptions& options,
              const std::function<Result<void>(std::string_view)>& output)
      : client_(client), id_(id), options_(options), output_(output) {}

  Result<json> run() {
    for (;;) {
      const auto end = polls_ ? Result<SocketEnd>(SocketEnd::refused) : read();
      if (!end && end.error().code() != Errc::unavailable) return Failure(end.error());
      const auto details = client_.details(id_);
      if (!details && details.error().code() != Errc::unavailable) return Failure(details.error());
      bool is_complete = end && *end == SocketEnd::in_order;
      // A proxy that answers while the server restarts isn't one that knows no websockets.
      polls_ = polls_ || (details && end && *end == SocketEnd::refused && seen_bytes_ == 0);
      if (details && polls_) {
        RTENV_TRY(is_complete, poll());
      }
      if (details && is_complete && is_terminal(*details)) return *details;
      if (details) lost_since_.reset();
      RTENV_TRY(
          pause(details ? std::string("the connection was closed") : details.error().message()));
    }
  }

 private:
  // The log as it is now, without what was output already. False if the server can't be reached.
  Result<bool> poll() {
    const auto text = client_.logs(id_);
    if (!text && text.error().code() == Errc::unavailable) return false;
    if (!text) return Failure(text.error());
    if (text->size() > seen_bytes_) {
      pause_ = k_first_pause;
      RTENV_TRY(output_(std::string_view(*text).substr(seen_bytes_)));
      seen_bytes_ = text->size();
    }
    return true;
  }

  Result<SocketEnd> read() {
    std::string path = fmt::format("/api/jobs/{}/logs/tail", percent_encode(id_));
    if (options_.server_is_rtenv) path += fmt::format("?raw=1&offset={}", seen_bytes_);
    std::uint64_t to_skip = options_.server_is_rtenv ? 0 : seen_bytes_;
    return read_log_socket(client_.server(), path, client_.environment(), client_.cancellation(),
                           [&](const LogMessage& message) -> Result<void> {
                             lost_since_.reset();
                             pause_ = k_first_pause;
                             if (options_.server_is_rtenv && message.is_text)
                               return skip_to(message.data);
                             const auto skipped = static_cast<std::size_t>(
                                 std::min<std::uint64_t>(to_skip, message.data.size()));
                             to_skip -= skipped;
                             seen_bytes_ += message.data.size() - skipped;
                             return output_(message.data.substr(skipped));
                           });
  }

  // {"offset": N}: the log's size limit removed the bytes before N.
  Result<void> skip_to(std::string_view text) {
    const auto message = json_from_text(text);
    if (!message.is_object()) return {};
    const auto found = message.find("offset");
    if (found == message.end() || !found->is_number_unsigned()) return {};
    const auto offset = found->get<std::uint64_t>();
    const std::uint64_t skipped = offset - std::min(offset, seen_bytes_);
    seen_bytes_ = offset;
    return output_(job::skipped_notice(skipped));
  }

  Result<void> pause(const std::string& why) {
    const auto now = Clock::now();
    if (!lost_since_) lost_since_ = now;
    if (now - *lost_since_ > options_.grace)
      return fail(Errc::unavailable, "the job server was unreachable for {} s: {}",
                  std::chrono::duration<double>(options_.grace).count(), why)
          .hint("the job may still be running: follow its log again");
    log::debug("{}; reconnecting", why);
    if (const Cancellation* const cancellation = client_.cancellation()) {
      pollfd entry{cancellation->poll_fd(), POLLIN, 0};
      if (::poll(&entry, 1, static_cast<int>(pause_.count())) > 0)
        return fail(Errc::cancelled, "interrupted");
    } else {
      ::poll(nullptr, 0, static_cast<int>(pause_.count()));
    }
    pause_ = std::min(2 * pause_, k_longest_pause);
    return {};
  }

  JobClient& client_;
  const std::string& id_;
  const FollowOptions& options_;
  const std::function<Result<void>(std::string_view)>& output_;
  std::uint64_t seen_bytes_ = 0;
  bool polls_ = false;  // there are no websockets
  std::optional<Clock::time_point> lost_since_;
  std::chrono::milliseconds pause_ = k_first_pause;
};

}  // namespace

Result<json> follow_log(JobClient& client, const std::string& id, const FollowOptions& options,
                        const std::function<Result<void>(std::string_view)>& output) {
  auto details = LogFollower(client, id, options, output).run();
  if (details || details.error().code() != Errc::not_found) return details;
  // The handshake of a websocket says nothing of the reason.
  return client.details(id);
}

}  // namespace rtenv::client
