#include "envbuild/url_login.hpp"

#include <algorithm>
#include <cctype>

#include "base/encoding.hpp"
#include "base/file.hpp"

namespace rtenv::envbuild {

namespace {

UrlAuthority authority_of(std::string_view after_scheme) {
  const std::string_view text = after_scheme.substr(0, after_scheme.find_first_of("/?# \t\r\n"));
  const auto at = text.rfind('@');
  if (at == std::string_view::npos) return {.user_info = {}, .host_and_port = text};
  return {.user_info = text.substr(0, at), .host_and_port = text.substr(at + 1)};
}

}  // namespace

UrlLogin UrlAuthority::login() const {
  const auto colon = std::min(user_info.find(':'), user_info.size());
  return {.user = percent_decode(user_info.substr(0, colon)),
          .password = percent_decode(user_info.substr(std::min(colon + 1, user_info.size())))};
}

std::vector<UrlInText> urls_in(std::string_view text) {
  constexpr std::string_view k_separator = "://";
  const auto is_part = [](unsigned char c) { return std::isalnum(c) != 0 || c == '+' || c == '-'; };
  std::vector<UrlInText> urls;
  for (auto at = text.find(k_separator); at != std::string_view::npos;
       at = text.find(k_separator, at + k_separator.size())) {
    std::size_t begin = at;
    while (begin > 0 && is_part(static_cast<unsigned char>(text[begin - 1]))) --begin;
    const std::string_view after_scheme = text.substr(at + k_separator.size());
    urls.push_back({.scheme = lower_ascii(text.substr(begin, at - begin)),
                    .before = text.substr(0, begin),
                    .after_scheme = after_scheme,
                    .authority = authority_of(after_scheme)});
  }
  return urls;
}

std::string without_user_info(std::string_view text, const std::vector<UrlInText>& urls) {
  std::string result;
  for (const UrlInText& url : urls) {
    result += text.substr(0, static_cast<std::size_t>(url.after_scheme.data() - text.data()));
    text.remove_prefix(static_cast<std::size_t>(url.authority.host_and_port.data() - text.data()));
  }
  return result.append(text);
}

Result<void> change_list(const Path& file,
                         const std::function<Result<std::string>(std::string_view)>& change) {
  RTENV_TRY(const std::string text, read_file(file));
  RTENV_TRY(const std::string changed, change(text));
  if (changed == text) return {};
  RTENV_TRY(AtomicFile out, AtomicFile::create(file, 0600));
  RTENV_TRY(out.write(changed));
  return out.commit(Durability::process);
}

}  // namespace rtenv::envbuild
