#include "envbuild/install_record.hpp"

#include <algorithm>
#include <charconv>

#include "base/text.hpp"

namespace rtenv::envbuild {
namespace {

// Reads CSV as Python's csv module writes it: a field with a comma, a quote or a line end is in
// quotes, and a quote in it is doubled.
class CsvReader {
 public:
  explicit CsvReader(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }

  Result<std::vector<std::string>> row() {
    std::vector<std::string> fields;
    do {
      RTENV_TRY(fields.emplace_back(), field());
    } while (take(','));
    take('\r');
    if (!take('\n') && !at_end()) return fail(Errc::corrupt, "there is text after a quoted field");
    return fields;
  }

 private:
  bool take(char wanted) {
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  Result<std::string> field() {
    if (take('"')) return quoted_field();
    const std::size_t end = std::min(rest_.find_first_of(",\r\n"), rest_.size());
    std::string text(rest_.substr(0, end));
    rest_.remove_prefix(end);
    return text;
  }

  Result<std::string> quoted_field() {
    std::string text;
    for (;;) {
      const std::size_t quote = rest_.find('"');
      if (quote == std::string_view::npos) return fail(Errc::corrupt, "a quoted field has no end");
      text += rest_.substr(0, quote);
      rest_.remove_prefix(quote + 1);
      if (!take('"')) return text;
      text += '"';
    }
  }

  std::string_view rest_;
};

Result<RecordRow> row_of(std::vector<std::string> fields) {
  if (fields.size() > 3) return fail(Errc::corrupt, "a row has {} columns", fields.size());
  fields.resize(3);
  if (fields[0].empty()) return fail(Errc::corrupt, "a row has no path");
  RecordRow row{.path = std::move(fields[0]), .algorithm = {}, .digest = {}, .size_bytes = {}};
  if (const std::string& hash = fields[1]; !hash.empty()) {
    const auto equals = hash.find('=');
    if (equals == std::string::npos)
      return fail(Errc::corrupt, "the hash of {} is '{}'", row.path, hash);
    row.algorithm = hash.substr(0, equals);
    row.digest = trim_end(std::string_view(hash).substr(equals + 1), "=");
  }
  if (const std::string& size = fields[2]; !size.empty()) {
    const char* end = size.data() + size.size();
    const auto read = std::from_chars(size.data(), end, row.size_bytes.emplace());
    if (read.ec != std::errc() || read.ptr != end)
      return fail(Errc::corrupt, "the size of {} is '{}'", row.path, size);
  }
  return row;
}

}  // namespace

Result<std::vector<RecordRow>> parse_record(std::string_view text) {
  std::vector<RecordRow> rows;
  for (CsvReader reader(text); !reader.at_end();) {
    RTENV_TRY(auto fields, reader.row());
    if (fields.size() == 1 && fields[0].empty()) continue;  // an empty line
    RTENV_TRY(rows.emplace_back(), row_of(std::move(fields)));
  }
  return rows;
}

}  // namespace rtenv::envbuild
