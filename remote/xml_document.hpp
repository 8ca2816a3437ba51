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
/// unavailable (it was cut off: worth another attempt), invalid_argument (another document).
Result<pugi::xml_document> parse_xml(std::string_view text, std::string_view root,
                                     const std::string& shown);

/// As much of a document as there is: an explanation may be cut off.
pugi::xml_document parse_partial_xml(std::string_view text);

/// As parse_xml, for HttpRequest::take_document: `document` must outlive the request.
std::function<Result<void>(const HttpResponse&)> take_xml(pugi::xml_document& document,
                                                          std::string_view root, std::string shown);

/// nullopt unless the child has a decimal number.
std::optional<std::uint64_t> number_child(const pugi::xml_node& node, const char* name);

}  // namespace rtenv::remote
