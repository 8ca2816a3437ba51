#include "cli/key_prefix.hpp"

#include <algorithm>

namespace rtenv::cli {

Result<cache::Key> find_key(const std::vector<cache::EntryRow>& rows, const std::string& text,
                            const KeySearch& search) {
  const cache::Key* found = nullptr;
  bool is_ambiguous = false;
  for (const cache::EntryRow& row : rows) {
    if (row.key == text) return row.key;
    if (text.empty() || !row.key.text().starts_with(text)) continue;
    is_ambiguous |= found != nullptr && row.key != *found;
    found = &row.key;
  }
  if (found == nullptr)
    return fail(Errc::not_found, "there is no {} {} in the cache", search.noun, text)
        .hint("{} shows the keys", search.list_command);
  if (is_ambiguous)
    return fail(Errc::invalid_argument, "the keys of several {} begin with {}", search.plural, text)
        .hint("give more of the key");
  return *found;
}

}  // namespace rtenv::cli
