#include "cli/explain.hpp"

#include <fmt/core.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/shown_name.hpp"
#include "cli/output.hpp"
#include "cli/tree_sizes.hpp"

namespace rtenv::cli {
namespace {

constexpr std::size_t k_largest_count = 10;

}  // namespace

void print_explanation(const Package& package) {
  for (const Excluded& item : package.excluded)
    print_to_stderr(fmt::format("left out  {}{}  ({})\n", shown_name(item.path),
                                item.is_directory ? "/" : "", shown_name(item.reason)));
  for (const FolderSize& folder : largest_folders(package, k_largest_count))
    print_to_stderr(fmt::format("folder    {:>14} bytes  {}/  ({} files)\n", folder.total_bytes,
                                shown_name(folder.path), folder.files));
  for (const Entry* file : largest_files(package, k_largest_count))
    print_to_stderr(
        fmt::format("file      {:>14} bytes  {}\n", file->size_bytes, shown_name(file->path)));
  print_to_stderr(fmt::format("packed    {:>14} bytes in {} files; {} left out\n",
                              package.content_bytes, package.files, package.excluded.size()));
}

nlohmann::json explanation_json(const Package& package) {
  nlohmann::json left_out = nlohmann::json::array();
  for (const Excluded& item : package.excluded)
    left_out.push_back(
        {{"path", item.path}, {"directory", item.is_directory}, {"reason", item.reason}});
  nlohmann::json folders = nlohmann::json::array();
  for (const FolderSize& folder : largest_folders(package, k_largest_count))
    folders.push_back(
        {{"path", folder.path}, {"files", folder.files}, {"total_bytes", folder.total_bytes}});
  nlohmann::json files = nlohmann::json::array();
  for (const Entry* file : largest_files(package, k_largest_count))
    files.push_back({{"path", file->path}, {"size_bytes", file->size_bytes}});
  return {{"left_out", std::move(left_out)},
          {"warnings", package.warnings},
          {"largest_folders", std::move(folders)},
          {"largest_files", std::move(files)}};
}

}  // namespace rtenv::cli
