#include "cli/entry_list.hpp"

#include <nlohmann/json.hpp>

#include "base/shown_name.hpp"

namespace rtenv::cli {

std::string name_in_archive(const Entry& entry) {
  return shown_name(entry.type == EntryType::directory ? entry.path + '/' : entry.path);
}

std::string type_name(const Entry& entry) {
  switch (entry.type) {
    case EntryType::directory: return "directory";
    case EntryType::link: return "link";
    default: return entry.executable ? "executable" : "file";
  }
}

nlohmann::json entry_json(const Entry& entry) {
  nlohmann::json object{
      {"path", entry.path}, {"type", type_name(entry)}, {"size_bytes", entry.size_bytes}};
  if (entry.type == EntryType::link) object["target"] = entry.link_target;
  return object;
}

nlohmann::json entries_json(const std::vector<Entry>& entries) {
  nlohmann::json list = nlohmann::json::array();
  for (const Entry& entry : entries) list.push_back(entry_json(entry));
  return list;
}

}  // namespace rtenv::cli
