#include "envbuild/next_key.hpp"

#include <algorithm>

namespace rtenv::envbuild {

Result<cache::Key> next_key(const std::string& base, const std::vector<cache::EntryRow>& taken) {
  std::string key = base;
  const auto has_key = [&](const cache::EntryRow& row) { return row.key == key; };
  for (int number = 2; std::ranges::any_of(taken, has_key); ++number)
    key = fmt::format("{}-{}", base, number);
  return cache::Key::parse(std::move(key));
}

}  // namespace rtenv::envbuild
