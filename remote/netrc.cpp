#include "remote/netrc.hpp"

#include <sstream>

#include "base/encoding.hpp"
#include "base/file.hpp"

namespace rtenv::remote {

std::optional<Path> netrc_file(const Environment& environment) {
  if (const auto named = environment.find_filled("NETRC")) return Path(*named);
  if (const auto home = environment.find_filled("HOME")) return Path(*home) / ".netrc";
  return std::nullopt;
}

bool netrc_names(const Path& file, std::string_view host) {
  std::istringstream words(read_file(file).value_or(""));
  std::string before;
  for (std::string word; words >> word; before = word)
    if (before == "machine" && lower_ascii(word) == host) return true;
  return false;
}

}  // namespace rtenv::remote
