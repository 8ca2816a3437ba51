#include "server/tokens.hpp"

#include <algorithm>

namespace rtenv::server {
namespace {

constexpr std::string_view k_blanks = " \t\r";

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (;;) {
    line.remove_prefix(std::min(line.find_first_not_of(k_blanks), line.size()));
    if (line.empty()) return words;
    words.push_back(line.substr(0, line.find_first_of(k_blanks)));
    line.remove_prefix(words.back().size());
  }
}

Result<Token> parse_line(const std::vector<std::string_view>& words) {
  if (words.size() != 3)
    return fail(Errc::invalid_argument, "expected a name, a right and a token, got {} words",
                words.size());
  if (words[1] != "read" && words[1] != "submit")
    return fail(Errc::invalid_argument, "the right must be 'read' or 'submit'");
  return Token{.secret = std::string(words[2]),
               .caller = {.name = std::string(words[0]),
                          .right = words[1] == "read" ? Right::read : Right::submit}};
}

bool has_parts(std::string_view word) {
  return word.find(":read:") != std::string_view::npos ||
         word.find(":submit:") != std::string_view::npos;
}

}  // namespace

Result<std::vector<Token>> parse_tokens(std::string_view text) {
  std::vector<Token> tokens;
  for (int number = 1; !text.empty(); ++number) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const auto words = words_of(line);
    if (words.empty() || words.front().starts_with('#')) continue;
    const bool is_alone = words.size() == 1 && tokens.empty() &&
                          text.find_first_not_of(" \t\r\n") == std::string_view::npos;
    if (is_alone && has_parts(words.front()))
      return fail(Errc::invalid_argument,
                  "line {}: separate the name, the right and the token by blanks, not by ':'",
                  number);
    if (is_alone)
      return std::vector{Token{.secret = std::string(words.front()), .caller = {.name = "token"}}};
    auto token = parse_line(words);
    if (!token) return fail(token.error().code(), "line {}: {}", number, token.error().message());
    const auto has_name = [&](const Token& other) {
      return other.caller.name == token->caller.name;
    };
    if (std::ranges::any_of(tokens, has_name))
      return fail(Errc::invalid_argument, "line {}: the name '{}' is given twice", number,
                  token->caller.name);
    const auto has_secret = [&](const Token& other) { return other.secret == token->secret; };
    if (std::ranges::any_of(tokens, has_secret))
      return fail(Errc::invalid_argument, "line {}: '{}' has the token of another name", number,
                  token->caller.name);
    tokens.push_back(std::move(*token));
  }
  if (tokens.empty()) return fail(Errc::invalid_argument, "it contains no token");
  return tokens;
}

}  // namespace rtenv::server
