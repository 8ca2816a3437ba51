#include "cli/entry_list.hpp"

#include <nlohmann/json.hpp>

namespace rtenv::cli {

std::string type_name(const pkg::Entry& entry) {
  switch (entry.type) {
    case pkg::EntryType::directory: return "directory";
    case pkg::EntryType::link: return "link";
    default: return entry.executable ? "executable" : "file";
  }
}

nlohmann::json entry_json(const pkg::Entry& entry) {
  nlohmann::json object{
      {"path", entry.path}, {"type", type_name(entry)}, {"size_bytes", entry.size_bytes}};
  if (entry.type == pkg::EntryType::link) object["target"] = entry.link_target;
  return object;
}

nlohmann::json entries_json(const std::vector<pkg::Entry>& entries) {
  nlohmann::json list = nlohmann::json::array();
  for (const pkg::Entry& entry : entries) list.push_back(entry_json(entry));
  return list;
}

}  // namespace rtenv::cli
