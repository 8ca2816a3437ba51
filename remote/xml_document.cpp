#include "remote/xml_document.hpp"

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

bool load(pugi::xml_document& document, std::string_view text) {
  const bool complete = document.load_buffer(text.data(), text.size());
  PrefixRemover remover;
  document.traverse(remover);
  return complete;
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

std::optional<std::uint64_t> number_child(const pugi::xml_node& node, const char* name) {
  return parse_decimal(node.child(name).text().get());
}

}  // namespace rtenv::remote
