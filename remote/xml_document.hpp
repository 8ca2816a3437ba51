// XML that a store responds with. Its elements have their names without a namespace's prefix: which
// prefix a store uses, if any, says nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace rtenv::remote {

struct HttpResponse;

/// A whole document with this root element. `shown` names what was asked for in messages. Fails:
/// unavailable (it was cut off: worth another attempt), invalid_argument (another document, or one
/// with a reference to a character that doesn't exist).
Result<pugi::xml_document> parse_xml(std::string_view text, std::string_view root,
                                     const std::string& shown);

/// As much of a document as there is: an explanation may be cut off.
pugi::xml_document parse_partial_xml(std::string_view text);

/// As parse_xml, for HttpRequest::take_document: `document` must outlive the request.
std::function<Result<void>(const HttpResponse&)> take_xml(pugi::xml_document& document,
                                                          std::string_view root, std::string shown);

/// All characters of an element, whatever comments and sections they are in; empty for a null node.
/// nullopt if it has elements. To be used instead of pugixml's text(), which returns a part.
std::optional<std::string> text_of(const pugi::xml_node& element);

/// nullopt unless it is a decimal number, maybe with blanks around it.
std::optional<std::uint64_t> number_of(const pugi::xml_node& element);

/// "true", "false", "1" or "0", maybe with blanks around it; otherwise nullopt.
std::optional<bool> parse_xml_bool(std::string_view text);

}  // namespace rtenv::remote
