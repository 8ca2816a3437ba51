// Keeps credentials out of keys, logs and messages: what knows where a URL has them.
#pragma once

#include <string>
#include <string_view>

namespace rtenv {

/// Removes the user info ("user:password@") and the parameters that are secrets from every URL in
/// the text: for keys, and for text of other programs.
std::string without_credentials(std::string_view text);

/// One URL for messages: user info as "…@", the query as "?…", no fragment.
std::string redacted_url(std::string_view url);
/// The same for the name of an object, where '#' and '?' are ordinary characters. But what follows
/// a '?' is hidden if it was meant as a signed query ("?sig=…").
std::string redacted_object(std::string_view uri);

}  // namespace rtenv
