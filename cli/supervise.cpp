#include <charconv>

#include "cli/tool.hpp"
#include "job/supervisor.hpp"

namespace rtenv::cli {

int supervise(const Tool& tool, const std::vector<std::string>& words) {
  const auto number = [](const std::string& word) {
    int value = -1;
    std::from_chars(word.data(), word.data() + word.size(), value);
    return value;
  };
  if (words.size() != 3) return exit_status(Errc::invalid_argument);
  log::configure(log::Verbosity::normal);
  const auto cache_root = tool.cache_root();
  const int status = job::supervise({.node = tool.environment,
                                     .cache_root = cache_root ? *cache_root : Path(),
                                     .open_cache = [&tool] { return tool.open_cache_with_tier(); }},
                                    words[0], Fd(number(words[1])), Fd(number(words[2])));
  tool.enforce_cache_limits();
  return status;
}

}  // namespace rtenv::cli
