// "Did you mean …?" for misspelt names.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace rtenv {

/// The candidate that differs from `word` by the fewest edits (insert, delete, replace, swap of
/// neighbours); nothing where even the nearest differs by more than a third of the word.
std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> candidates);

}  // namespace rtenv
