#include "cli/key_prefix.hpp"

#include "base/result.hpp"

namespace rtenv::cli {

Result<std::string> find_key(const std::vector<CacheEntry>& entries, const std::string& text,
                             const KeySearch& search) {
  const std::string* found = nullptr;
  bool is_ambiguous = false;
  for (const CacheEntry& entry : entries) {
    if (entry.key == text) return entry.key;
    if (text.empty() || !entry.key.starts_with(text)) continue;
    is_ambiguous |= found != nullptr && entry.key != *found;
    found = &entry.key;
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
