#include "server/log_json.hpp"

#include <nlohmann/json.hpp>
#include <span>

#include "base/json_text.hpp"

namespace rtenv::server {
namespace {

constexpr std::size_t k_piece_bytes = 256 << 10;

// As the inside of a JSON string.
std::string escaped(const std::string& text) {
  std::string quoted = json_text(text);
  return quoted.substr(1, quoted.size() - 2);
}

}  // namespace

Result<std::shared_ptr<LogJson>> LogJson::open(const Path& file, std::uint64_t begin,
                                               std::optional<std::uint64_t> last_lines) {
  auto reader = job::JobLogReader::open(file);
  if (!reader) {
    if (reader.error().code() != Errc::not_found) return Failure(std::move(reader).error());
    return std::make_shared<LogJson>(std::nullopt, 0, 0);
  }
  RTENV_TRY(const std::uint64_t end, reader->size_bytes());
  if (last_lines) {
    RTENV_TRY(const std::uint64_t last, reader->offset_of_last_lines(*last_lines));
    begin = std::max(begin, last);
  }
  return std::make_shared<LogJson>(std::move(*reader), begin, end);
}

Result<std::string> LogJson::next() {
  if (state_ == State::end) return std::string();
  std::string piece = state_ == State::begin ? R"({"logs": ")" : "";
  state_ = State::middle;
  if (reader_ && offset_ < end_) {
    std::string bytes(std::min<std::uint64_t>(k_piece_bytes, end_ - offset_), '\0');
    RTENV_TRY(const auto chunk, reader_->read(offset_, bytes));
    if (chunk.size_bytes > 0) {
      std::string text;
      if (chunk.skipped_bytes > 0) text = utf8_.finish() + job::skipped_notice(chunk.skipped_bytes);
      text += utf8_.add(std::string_view(bytes).substr(0, chunk.size_bytes));
      offset_ = chunk.offset + chunk.size_bytes;
      return piece + escaped(text);
    }
  }
  state_ = State::end;
  return piece + escaped(utf8_.finish()) + "\"}";
}

}  // namespace rtenv::server
