// A client of Ray's Jobs API: of rtenv's own server and of Ray's (2.60). Requests and responses are
// the JSON texts of that API.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "rtenv/options.hpp"

namespace rtenv {

struct JobListOptions {
  std::string status = {};  // "RUNNING", …; empty: any
  std::optional<std::uint64_t> limit = {};
  std::uint64_t offset = 0;
};

struct JobUploadOptions {
  std::optional<std::string> working_dir = {};  // overrides the runtime_env's
  std::optional<Path> digest_cache = {};        // see PackOptions
};

struct JobFollowOptions {
  /// How long to retry while the server can't be reached.
  std::chrono::milliseconds grace{30'000};
};

/// Thread-safe. Move-only.
///
/// All functions fail with: unavailable (no server, or not in time), permission_denied (the token),
/// invalid_argument (the server refuses the request), not_found (no such job), limit_reached,
/// out_of_space (the server's), cancelled.
class RTENV_API JobClient {
 public:
  /// Sends nothing yet. `address`: http(s)://HOST:PORT or unix:PATH; empty: RAY_API_SERVER_ADDRESS,
  /// else RAY_ADDRESS, else http://127.0.0.1:8265. The token is in RAY_AUTH_TOKEN, which
  /// Options::credentials can return, or the file RAY_AUTH_TOKEN_PATH; more headers in
  /// RAY_JOB_HEADERS. A stop of `options.stop` ends all calls
  /// of this client, also later ones: what is to be stopped by itself needs a client of its own,
  /// which costs nothing.
  static Result<JobClient> open(std::string_view address, const Options& options = {});
  /// The address, without a password. Empty after a move.
  [[nodiscard]] const std::string& address() const noexcept;

  JobClient(JobClient&& other) noexcept;
  JobClient& operator=(JobClient&& other) noexcept;
  ~JobClient();

  /// Uploads what a runtime_env, a JSON text, names of this machine: the working_dir and the
  /// py_modules, unless the server has them already; requirements files become lists. Returns the
  /// runtime_env for `submit`. Relative paths are relative to Options::base. What is wrong with the
  /// runtime_env is an error before anything is sent. Fails also: as push.
  Result<std::string> upload(std::string_view runtime_env, const JobUploadOptions& options = {});
  /// The body of POST /api/jobs/: {"entrypoint": …, "runtime_env": {…}, "submission_id": …, …}.
  /// Returns the submission id; one is made if the body has none. Sent again if the response is
  /// lost: the job is submitted once. Fails also: already_exists (the id).
  Result<std::string> submit(std::string_view body);
  /// A JSON object.
  Result<std::string> details(std::string_view id);
  /// A JSON array, in the order of submission.
  Result<std::string> list(const JobListOptions& options = {});
  /// The whole log.
  Result<std::string> logs(std::string_view id);
  /// Every byte of the log, once and in order, until the job ends; reconnects. Returns the job's
  /// details. Fails also: as `output`, which is called on the calling thread; an exception of it is
  /// an error (invalid_argument).
  Result<std::string> follow(std::string_view id,
                             const std::function<Result<void>(std::string_view)>& output,
                             const JobFollowOptions& options = {});
  /// Requests its end. False: it had ended. `now`: by SIGKILL, which Ray's server ignores.
  Result<bool> stop(std::string_view id, bool now = false);
  /// Deletes an ended job and its log. Fails also: busy (it hasn't ended).
  Result<void> remove(std::string_view id);

 private:
  struct State;
  explicit JobClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace rtenv
