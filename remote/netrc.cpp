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

// As libcurl reads the file: keywords have one value each, "default" is the entry for all hosts,
// and a macro ends with an empty line.
bool netrc_names(const Path& file, std::string_view host) {
  std::istringstream lines(read_file(file).value_or(""));
  bool in_macro = false;
  std::string keyword;  // whose value is next
  for (std::string line; std::getline(lines, line);) {
    if (in_macro) {
      in_macro = !line.empty();
      continue;
    }
    std::istringstream words(line);
    for (std::string word; words >> word;) {
      if (keyword.empty() && word.starts_with('#')) break;
      if (keyword.empty() && word == "default") return false;
      if (keyword == "machine" && lower_ascii(word) == host) return true;
      while (word.starts_with('"') && !word.ends_with('"') && words >> word) word.insert(0, 1, '"');
      in_macro = in_macro || keyword == "macdef";
      keyword = keyword.empty() ? word : "";
    }
  }
  return false;
}

}  // namespace rtenv::remote
