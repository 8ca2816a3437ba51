#include "server/api.hpp"

#include <array>

#include "base/encoding.hpp"
#include "job/job_log.hpp"
#include "server/utf8_text.hpp"

namespace rtenv::server {

namespace asio = boost::asio;
using nlohmann::json;

namespace {

constexpr std::size_t k_piece_bytes = 256 << 10;
constexpr std::size_t k_upload_piece_bytes = 256 << 10;

Answer no_such_route() { return text_answer(404, "404: Not Found"); }
Answer no_such_job() { return text_answer(404, "Job ID does not exist"); }

Answer wrong_method(const char* allowed) {
  Answer answer = text_answer(405, "405: Method Not Allowed");
  answer.headers.emplace_back("Allow", allowed);
  return answer;
}

bool reads(const Request& request) { return request.method == "GET" || request.method == "HEAD"; }

// "/api/jobs/ID/logs" → {"api", "jobs", "ID", "logs"}; behind a slash at the end is a part that is
// empty.
std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  for (std::size_t begin = 1; begin <= path.size();) {
    const auto end = std::min(path.find('/', begin), path.size());
    parts.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

Result<json> parse_body(const std::string& body) {
  try {
    return json::parse(body);
  } catch (const json::exception& error) {
    std::string_view why =
        error.what();  // "[json.exception.parse_error.101] parse error at line 1, column 2: …"
    if (const auto end = why.find("] "); end != std::string_view::npos) why.remove_prefix(end + 2);
    return fail(Errc::invalid_argument, "the body isn't JSON: {}",
                body.empty() ? "it is empty" : why);
  }
}

// The pieces of {"logs": "…"}, read as they are sent: a log may be larger than the memory.
class LogPieces {
 public:
  LogPieces(std::optional<job::JobLogReader> reader, std::uint64_t begin, std::uint64_t end)
      : reader_(std::move(reader)), offset_(begin), end_(end) {}

  Result<std::string> next() {
    if (state_ == State::over) return std::string();
    std::string piece = state_ == State::begin ? R"({"logs": ")" : "";
    state_ = State::middle;
    std::string bytes(k_piece_bytes, '\0');
    while (reader_ && offset_ < end_) {
      const auto room =
          static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), end_ - offset_));
      RTENV_TRY(const auto chunk, reader_->read(offset_, std::span(bytes).first(room)));
      if (chunk.size_bytes == 0) break;
      std::string text;
      if (chunk.skipped_bytes > 0) text = utf8_.finish() + job::skipped_notice(chunk.skipped_bytes);
      text += utf8_.add(std::string_view(bytes.data(), chunk.size_bytes));
      offset_ = chunk.offset + chunk.size_bytes;
      piece += escaped(text);
      return piece;
    }
    state_ = State::over;
    return piece + escaped(utf8_.finish()) + "\"}";
  }

 private:
  static std::string escaped(const std::string& text) {
    std::string quoted = json(text).dump();
    return quoted.substr(1, quoted.size() - 2);
  }
  enum class State : std::uint8_t { begin, middle, over };
  std::optional<job::JobLogReader> reader_;
  std::uint64_t offset_;
  std::uint64_t end_;
  Utf8Text utf8_;
  State state_ = State::begin;
};

}  // namespace

bool Api::streams_body(const Request& request) {
  return request.method == "PUT" && request.path.starts_with("/api/packages/");
}

asio::awaitable<Answer> Api::answer(Request& request) {
  const auto parts = parts_of(request.path);
  if (parts.size() < 2 || parts[0] != "api") co_return no_such_route();
  if (parts.size() == 2 && parts[1] == "version")
    co_return reads(request) ? version() : wrong_method("GET");
  if (parts.size() == 2 && parts[1] == "openapi.json") {
    if (!reads(request)) co_return wrong_method("GET");
    Answer document{.content_type = "application/json", .body = std::string(openapi_document())};
    co_return document;
  }
  if (parts[1] == "packages" && parts.size() == 4)
    co_return co_await package(request, parts[2], parts[3]);
  if (parts[1] == "rtenv") {
    const bool is_version = parts.size() == 3 && parts[2] == "version";
    const bool is_job = parts.size() == 4 && parts[2] == "jobs";
    if (!is_version && !is_job) co_return no_such_route();
    if (!reads(request)) co_return wrong_method("GET");
    co_return is_job ? extras(parts[3]) : json_answer({{"rtenv_version", identity_.rtenv_version}});
  }
  if (parts[1] != "jobs") co_return no_such_route();
  if (parts.size() == 2) {
    Answer moved = text_answer(308, "308: Permanent Redirect");
    moved.headers.emplace_back("Location", "/api/jobs/");
    co_return moved;
  }
  if (parts.size() == 3 && parts[2].empty()) {
    if (request.method == "POST") co_return co_await submit(request, false);
    co_return reads(request) ? list(request) : wrong_method("GET, POST");
  }
  if (parts.size() == 3) {
    // The first beta's words are ids, too, where the method or the query isn't that of the beta.
    const bool beta =
        (parts[2] == "submit" && request.method == "POST") ||
        ((parts[2] == "status" || parts[2] == "logs") && request.query.contains("job_id"));
    if (beta) co_return co_await legacy(request, parts[2]);
    if (parts[2] == "submit" && !reads(request) && request.method != "DELETE")
      co_return wrong_method("POST");
    co_return co_await job(request, parts[2], "");
  }
  if (parts.size() == 4 && !parts[3].empty()) co_return co_await job(request, parts[2], parts[3]);
  if (parts.size() == 5 && parts[3] == "logs" && parts[4] == "tail") {
    if (!reads(request)) co_return wrong_method("GET");
    co_return text_answer(400, "400: this address speaks the websocket protocol");
  }
  co_return no_such_route();
}

asio::awaitable<Answer> Api::job(const Request& request, const std::string& id,
                                 const std::string& what) {
  if (what.empty()) {
    if (request.method == "DELETE") co_return co_await remove(id);
    co_return reads(request) ? details(request, id) : wrong_method("GET, DELETE");
  }
  if (what == "logs") co_return reads(request) ? logs(request, id) : wrong_method("GET");
  if (what == "stop") co_return request.method == "POST" ? stop(id) : wrong_method("POST");
  co_return no_such_route();
}

Answer Api::version() const {
  // These four and no other: clients compare the whole object.
  return json_answer({{"version", "4"},
                      {"ray_version", identity_.ray_version},
                      {"ray_commit", "rtenv-" + identity_.rtenv_version},
                      {"session_name", identity_.session_name}});
}

asio::awaitable<Answer> Api::package(Request& request, const std::string& protocol,
                                     const std::string& name) {
  if (protocol != "gcs")
    co_return text_answer(400,
                          fmt::format("packages are kept by the protocol gcs, not '{}'", protocol));
  const auto uri = JobPackages::uri_of(name);
  if (!uri) co_return error_answer(uri.error());
  if (request.method == "PUT") co_return co_await upload(request, *uri);
  if (!reads(request)) co_return wrong_method("GET, PUT");
  const auto there = co_await packages_.has(*uri);
  if (!there) co_return error_answer(there.error());
  co_return *there ? text_answer(200, "")
                   : text_answer(404, fmt::format("Package gcs://{} does not exist", name));
}

asio::awaitable<Answer> Api::upload(Request& request, const remote::Uri& uri) {
  const std::string too_large =
      fmt::format("the package is larger than {} bytes, the limit of this server",
                  packages_.max_package_bytes());
  if (request.body_bytes && *request.body_bytes > packages_.max_package_bytes())
    co_return text_answer(413, too_large);
  if (request.body_bytes == 0U) co_return text_answer(400, "the package is empty");
  auto incoming = co_await packages_.begin();
  if (!incoming) co_return error_answer(incoming.error());
  std::string buffer(k_upload_piece_bytes, '\0');
  for (;;) {
    const auto count = co_await request.read_body(buffer);
    if (!count) co_return error_answer(count.error());
    if (*count == 0) break;
    if (const auto added = incoming->add(std::span(buffer).first(*count)); !added)
      co_return added.error().code() == Errc::invalid_argument ? text_answer(413, too_large)
                                                               : error_answer(added.error());
  }
  const auto kept = co_await packages_.keep(uri, std::move(*incoming));
  if (!kept)
    co_return kept.error().code() == Errc::corrupt ? text_answer(400, kept.error().message())
                                                   : error_answer(kept.error());
  co_return text_answer(200, "");
}

asio::awaitable<Answer> Api::submit(const Request& request, bool legacy) {
  const auto body = parse_body(request.body);
  if (!body) co_return error_answer(body.error());
  auto submission = parse_submission(*body);
  // A file that isn't there is the request's fault, not a missing resource.
  if (!submission) co_return text_answer(400, error_answer(submission.error()).body);
  const auto id = co_await jobs_.submit(std::move(*submission));
  if (!id) co_return error_answer(id.error());
  json answer{{"job_id", *id}};
  if (!legacy) answer["submission_id"] = *id;
  co_return json_answer(answer);
}

Answer Api::list(const Request& request) {
  JobFilter filter;
  if (const auto status = request.query.find("status"); status != request.query.end()) {
    filter.status = job::parse_job_status(status->second);
    if (!filter.status)
      return text_answer(
          400,
          fmt::format("status must be PENDING, RUNNING, STOPPED, SUCCEEDED or FAILED, got '{}'",
                      status->second));
  }
  const auto limit = request.number("limit");
  const auto offset = request.number("offset");
  if (!limit || !offset) return error_answer(limit ? offset.error() : limit.error());
  if (*limit) filter.limit = static_cast<std::int64_t>(**limit);
  if (*offset) filter.offset = static_cast<std::int64_t>(**offset);
  const auto jobs = jobs_.list(filter);
  if (!jobs) return error_answer(jobs.error());
  json array = json::array();
  for (const auto& each : *jobs)
    array.push_back(job_details(each, identity_.node, request.from_browser()));
  return json_answer(array);
}

Answer Api::details(const Request& request, const std::string& id) {
  const auto found = jobs_.find(id);
  if (!found) return error_answer(found.error());
  return *found ? json_answer(job_details(**found, identity_.node, request.from_browser()))
                : no_such_job();
}

Answer Api::extras(const std::string& id) {
  const auto found = jobs_.find(id);
  if (!found) return error_answer(found.error());
  if (!*found) return no_such_job();
  const JobExtras extras = jobs_.extras(**found);
  return json_answer({{"submission_id", id},
                      {"status", name((*found)->status)},
                      {"phase", extras.phase},
                      {"gpus", extras.gpus},
                      {"usage", extras.usage},
                      {"log_bytes", extras.log_bytes}});
}

Answer Api::logs(const Request& request, const std::string& id) {
  const auto found = jobs_.find(id);
  if (!found) return error_answer(found.error());
  if (!*found) return no_such_job();
  const auto offset = request.number("offset");
  const auto tail_lines = request.number("tail_lines");
  if (!offset || !tail_lines) return error_answer(offset ? tail_lines.error() : offset.error());
  auto opened = job::JobLogReader::open(jobs_.log_file(id));
  std::optional<job::JobLogReader> reader;
  std::uint64_t begin = offset->value_or(0);
  std::uint64_t end = 0;
  if (opened) {
    const auto size = opened->size_bytes();
    if (!size) return error_answer(size.error());
    end = *size;
    if (*tail_lines) {
      const auto last = opened->offset_of_last_lines(**tail_lines);
      if (!last) return error_answer(last.error());
      begin = std::max(begin, *last);
    }
    reader.emplace(std::move(*opened));
  }
  const auto pieces = std::make_shared<LogPieces>(std::move(reader), begin, end);
  Answer answer{.content_type = "application/json; charset=utf-8"};
  if (end - std::min(begin, end) > k_piece_bytes) {
    answer.next_piece = [pieces] { return pieces->next(); };
    return answer;
  }
  for (;;) {
    auto piece = pieces->next();
    if (!piece) return error_answer(piece.error());
    if (piece->empty()) return answer;
    answer.body += *piece;
  }
}

Answer Api::stop(const std::string& id) {
  const auto stopped = jobs_.stop(id);
  if (!stopped)
    return stopped.error().code() == Errc::not_found ? no_such_job()
                                                     : error_answer(stopped.error());
  return json_answer({{"stopped", *stopped}});
}

asio::awaitable<Answer> Api::remove(const std::string& id) {
  const auto removed = co_await jobs_.remove(id);
  if (!removed)
    co_return removed.error().code() == Errc::not_found ? no_such_job()
                                                        : error_answer(removed.error());
  co_return json_answer({{"deleted", true}});
}

asio::awaitable<Answer> Api::legacy(const Request& request, const std::string& what) {
  if (what == "submit") co_return co_await submit(request, true);
  if (!reads(request)) co_return wrong_method("GET");
  const std::string& id = request.query.at("job_id");
  if (what == "logs") co_return logs(request, id);
  const auto found = jobs_.find(id);
  if (!found) co_return error_answer(found.error());
  co_return *found ? json_answer({{"job_status", name((*found)->status)}}) : no_such_job();
}

Result<std::unique_ptr<LogTail>> Api::tail(const Request& request) {
  const auto parts = parts_of(request.path);
  if (parts.size() != 5 || parts[0] != "api" || parts[1] != "jobs" || parts[3] != "logs" ||
      parts[4] != "tail")
    return fail(Errc::not_found, "404: Not Found");
  RTENV_TRY(const auto found, jobs_.find(parts[2]));
  if (!found) return fail(Errc::not_found, "Job ID does not exist");
  RTENV_TRY(const auto offset, request.number("offset"));
  const auto raw = request.query.find("raw");
  return std::make_unique<LogTail>(
      jobs_, parts[2], offset.value_or(0),
      raw != request.query.end() && raw->second == "1" ? LogTail::Form::raw : LogTail::Form::text);
}

}  // namespace rtenv::server
