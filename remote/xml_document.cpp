#include "remote/xml_document.hpp"

#include <charconv>

#include "base/decimal.hpp"
#include "base/text.hpp"
#include "remote/transfer_error.hpp"

namespace rtenv::remote {
namespace {

struct PrefixRemover final : pugi::xml_tree_walker {
  bool for_each(pugi::xml_node& node) override {
    const std::string_view name = node.name();
    if (const auto colon = name.rfind(':'); colon != std::string_view::npos)
      node.set_name(std::string(name.substr(colon + 1)).c_str());
    return true;
  }
};

// A name may consist of blanks.
bool load(pugi::xml_document& document, std::string_view text) {
  const bool complete =
      document.load_buffer(text.data(), text.size(), pugi::parse_default | pugi::parse_ws_pcdata);
  PrefixRemover remover;
  document.traverse(remover);
  return complete;
}

// For pugixml, the character 0 ends a text. XML has neither that nor any above 0x10FFFF.
bool has_bad_reference(std::string_view text) {
  constexpr std::string_view k_begin = "&#";
  for (auto at = text.find(k_begin); at != std::string_view::npos; at = text.find(k_begin, at)) {
    at += k_begin.size();
    const bool is_hex = text.substr(at).starts_with('x');
    std::uint32_t code = 1;
    const auto error = std::from_chars(text.data() + at + (is_hex ? 1 : 0),
                                       text.data() + text.size(), code, is_hex ? 16 : 10)
                           .ec;
    if (error == std::errc::result_out_of_range || code == 0 || code > 0x10FFFF) return true;
  }
  return false;
}

}  // namespace

Result<pugi::xml_document> parse_xml(std::string_view text, std::string_view root,
                                     const std::string& shown) {
  pugi::xml_document document;
  const bool complete = load(document, text);
  const pugi::xml_node first = document.document_element();
  const std::string_view begin = trim(text, " \t\r\n\xEF\xBB\xBF");
  const bool may_be_cut =
      first ? root.starts_with(first.name()) : begin.empty() || begin.front() == '<';
  if (!complete && may_be_cut) return fail_cut_off(shown);
  if (!complete || first.name() != root || first.next_sibling())
    return fail_other_document(shown, fmt::format("a {}", root));
  if (has_bad_reference(text)) return fail_other_document(shown, "well-formed XML");
  return document;
}

pugi::xml_document parse_partial_xml(std::string_view text) {
  pugi::xml_document document;
  load(document, text);
  return document;
}

std::function<Result<void>(const HttpResponse&)> take_xml(pugi::xml_document& document,
                                                          std::string_view root,
                                                          std::string shown) {
  return [&document, root, shown = std::move(shown)](const HttpResponse& response) -> Result<void> {
    RTENV_TRY(document, parse_xml(response.body, root, shown));
    return {};
  };
}

std::optional<std::string> text_of(const pugi::xml_node& element) {
  std::string text;
  for (const pugi::xml_node part : element.children()) {
    if (part.type() == pugi::node_element) return std::nullopt;
    text += part.value();
  }
  return text;
}

std::optional<std::uint64_t> number_of(const pugi::xml_node& element) {
  const auto text = text_of(element);
  return text ? parse_decimal(trim(*text)) : std::nullopt;
}

std::optional<bool> parse_xml_bool(std::string_view text) {
  const std::string_view word = trim(text);
  if (word == "true" || word == "1") return true;
  if (word == "false" || word == "0") return false;
  return std::nullopt;
}

}  // namespace rtenv::remote
