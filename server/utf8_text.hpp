// A job's bytes as text for JSON and websockets: what isn't UTF-8 becomes U+FFFD, as Python's
// errors="replace" has it (one for each longest beginning of a sequence; Unicode 15, table 3-7).
// Bytes come in pieces; a sequence that a piece cuts is held back.
#pragma once

#include <string>
#include <string_view>

namespace rtenv::server {

class Utf8Text {
 public:
  std::string add(std::string_view bytes);
  /// No more bytes come.
  std::string finish();

 private:
  std::string held_;  // the beginning of a sequence
};

}  // namespace rtenv::server
