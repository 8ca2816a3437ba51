#include "job/supervise.hpp"

#include <charconv>

#include "cache/cache.hpp"
#include "cli/tool.hpp"

namespace rtenv::cli {
namespace {

// -1 if it isn't a number.
int parse_fd(const std::string& text) {
  int number = -1;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

int supervise(const Tool& tool, const std::vector<std::string>& words) {
  if (words.size() != 3) return exit_status(Errc::invalid_argument);
  log::set_sink(log::Level::info, log::to_standard_error());
  const auto cache_root = tool.cache_root();
  const int status = job::supervise({.node = tool.environment,
                                     .cache_root = cache_root ? *cache_root : Path(),
                                     .open_cache = [&tool] { return tool.open_cache_with_tier(); }},
                                    words[0], Fd(parse_fd(words[1])), Fd(parse_fd(words[2])));
  tool.enforce_cache_limits();
  return status;
}

}  // namespace rtenv::cli
