// Suggestions for misspelled names: "did you mean …?".
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace rtenv {

/// The candidate with the smallest edit distance to `word` (insertions, deletions, substitutions
/// and transpositions of adjacent characters). Returns nullopt if that is more than 2 and more than
/// a third of the length of `word`.
std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> candidates);

}  // namespace rtenv
