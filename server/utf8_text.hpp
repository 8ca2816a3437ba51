// Decodes a job's output, piece by piece, into valid UTF-8 for JSON and websockets. Invalid bytes
// become U+FFFD as by Python's errors="replace": one for each maximal subpart of a sequence
// (Unicode 15, table 3-7). A sequence that continues in the next piece is held back.
#pragma once

#include <string>
#include <string_view>

namespace rtenv::server {

class Utf8Text {
 public:
  std::string add(std::string_view bytes);
  /// The replacement of an incomplete sequence at the end, if there is one.
  std::string finish();

 private:
  std::string held_;  // the beginning of a sequence
};

}  // namespace rtenv::server
