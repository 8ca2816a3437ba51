// Makes a sorted tree of what a scan found.
#include <algorithm>
#include <functional>

#include "base/parallel.hpp"
#include "pkg/content_source.hpp"
#include "pkg/file_reader.hpp"
#include "pkg/link_check.hpp"
#include "pkg/scan.hpp"
#include "pkg/scanned_folder.hpp"
#include "pkg/tree_path.hpp"

namespace rtenv::pkg {
namespace {

// A package's paths are in the order of their bytes: a folder "a" sorts as "a", its content as
// "a/", and "a-b" sorts between them. So a folder has two children: itself and its content.
struct Child {
  enum class What : std::uint8_t { item, folder, content };
  What what;
  std::size_t index;  // into items or folders
  std::string_view name;
  std::size_t position = 0;  // of the entry in the tree

  friend bool operator<(const Child& a, const Child& b) {
    const std::size_t common = std::min(a.name.size(), b.name.size());
    if (const int order = a.name.compare(0, common, b.name, 0, common); order != 0)
      return order < 0;
    return a.byte(common) < b.byte(common);
  }

 private:
  [[nodiscard]] int byte(std::size_t at) const {
    if (at < name.size()) return static_cast<unsigned char>(name[at]);
    return what == What::content ? '/' : -1;
  }
};

struct SortedFolder {
  const ScannedFolder* folder;
  std::vector<Child> children;     // in the package's order
  std::vector<std::size_t> below;  // the sorted folders of `folders`, in their order
  std::vector<bool> childless;     // whether these have no entries
  bool packed_by_ray = false;
};

class TreeMaker {
 public:
  TreeMaker(unsigned threads, Links links) : threads_(threads), links_(links) {}

  void make(const ScannedFolder& top, Tree& tree) {
    list(top, tree.excluded);
    for (std::size_t i = sorted_.size(); i-- > 0;) sorted_[i].packed_by_ray = is_packed_by_ray(i);
    for_each_folder([](SortedFolder& folder) { sort(folder); });
    tree.entries.resize(place(0, 0));
    for_each_folder([&](const SortedFolder& folder) { fill(folder, tree.entries); });
    std::ranges::sort(tree.excluded, {}, &Excluded::path);
  }

 private:
  // Parents first. A folder that excludes itself isn't in the tree.
  std::size_t list(const ScannedFolder& folder, std::vector<Excluded>& excluded) {
    const std::size_t index = sorted_.size();
    sorted_.push_back({.folder = &folder, .children = {}, .below = {}, .childless = {}});
    excluded.insert(excluded.end(), folder.excluded.begin(), folder.excluded.end());
    for (const auto& below : folder.folders) {
      if (below->is_in_tree()) {
        const std::size_t found = list(*below, excluded);
        sorted_[index].below.push_back(found);
      } else {
        list_excluded(*below, excluded);
      }
    }
    sorted_[index].childless.resize(sorted_[index].below.size());
    return index;
  }

  static void list_excluded(const ScannedFolder& folder, std::vector<Excluded>& excluded) {
    excluded.insert(excluded.end(), folder.excluded.begin(), folder.excluded.end());
    for (const auto& below : folder.folders) list_excluded(*below, excluded);
  }

  // Ray packs files, and folders in which there is nothing on disk. What is below is known.
  [[nodiscard]] bool is_packed_by_ray(std::size_t index) const {
    const ScannedFolder& folder = *sorted_[index].folder;
    return folder.empty_on_disk ||
           std::ranges::any_of(
               folder.items, [](const auto& item) { return item.type != EntryType::name_only; }) ||
           std::ranges::any_of(sorted_[index].below,
                               [&](std::size_t below) { return sorted_[below].packed_by_ray; });
  }

  template <class Work>
  void for_each_folder(Work work) {
    parallel_for_each(sorted_.size(), threads_, [&](std::size_t i) { work(sorted_[i]); });
  }

  static void sort(SortedFolder& sorted) {
    const ScannedFolder& folder = *sorted.folder;
    sorted.children.reserve(folder.items.size() + 2 * folder.folders.size());
    for (std::size_t i = 0; i < folder.items.size(); ++i)
      sorted.children.push_back({Child::What::item, i, folder.name_of(folder.items[i])});
    std::size_t index = 0;
    for (const auto& below : folder.folders) {
      if (!below->is_in_tree()) continue;
      const std::string_view name = split_name(below->path).name;
      sorted.children.push_back({Child::What::folder, index, name});
      sorted.children.push_back({Child::What::content, index++, name});
    }
    std::ranges::sort(sorted.children, std::less<>());
  }

  // Returns the position behind the folder's entries.
  std::size_t place(std::size_t index, std::size_t position) {
    SortedFolder& sorted = sorted_[index];
    for (Child& child : sorted.children) {
      if (child.what != Child::What::content) {
        child.position = position++;
        continue;
      }
      const std::size_t end = place(sorted.below[child.index], position);
      sorted.childless[child.index] = end == position;
      position = end;
    }
    return position;
  }

  void fill(const SortedFolder& sorted, std::vector<Entry>& entries) const {
    const ScannedFolder& folder = *sorted.folder;
    for (const Child& child : sorted.children) {
      if (child.what == Child::What::content) continue;
      Entry& entry = entries[child.position];
      entry.path = join_path(folder.path, child.name);
      if (child.what == Child::What::folder) {
        const SortedFolder& below = sorted_[sorted.below[child.index]];
        const bool packed = links_ == Links::keep || below.packed_by_ray;
        entry.type = packed ? EntryType::directory : EntryType::folder_name_only;
        entry.childless = sorted.childless[child.index];
        entry.owner_only = below.folder->owner_only;
        continue;
      }
      const ScannedFolder::Item& item = folder.items[child.index];
      entry.type = item.type;
      entry.executable = item.executable;
      entry.owner_only = item.owner_only;
      entry.size_bytes = item.size_bytes;
      entry.stamp = item.stamp;
      entry.link_target = folder.target_of(item);
    }
  }

  unsigned threads_;
  Links links_;
  std::vector<SortedFolder> sorted_;
};

// Adds the stamps of all entries below to `sum`; the order doesn't matter. False if one isn't
// settled.
bool add_stamps(const ScannedFolder& folder, FileStamp& sum) {
  for (const ScannedFolder::Item& item : folder.items) {
    if (item.type == EntryType::file) {
      if (!item.stamp.is_settled()) return false;
      sum += item.stamp;
      continue;
    }
    sum += folder.name_stamp(item);
  }
  return std::ranges::all_of(folder.folders, [&](const auto& below) {
    if (!below->is_in_tree()) return true;
    sum += FileStamp::of_name('/', below->path, {});
    return add_stamps(*below, sum);
  });
}

}  // namespace

bool Scan::is_empty() const {
  return top_->items.empty() &&
         std::ranges::all_of(top_->folders, [](const auto& below) { return !below->is_in_tree(); });
}

std::pair<std::size_t, std::size_t> Scan::counts() const {
  const auto folders = all_folders();
  std::size_t files = 0;
  for (const ScannedFolder* folder : folders) files += folder->items.size();
  return {files, folders.size() - 1};
}

std::optional<FileStamp> Scan::stamp() const {
  FileStamp sum{1, 1};  // that of an empty tree isn't "none"
  if (!add_stamps(*top_, sum)) return std::nullopt;
  return sum;
}

std::vector<ScannedFolder*> Scan::all_folders() const {
  std::vector<ScannedFolder*> folders{top_.get()};
  for (std::size_t i = 0; i < folders.size(); ++i)
    for (const auto& below : folders[i]->folders) folders.push_back(below.get());
  return folders;
}

ScannedFiles Scan::scanned_files() const {
  ScannedFiles files{.root = root_, .stamper = stamper_, .folders = {}};
  for (const ScannedFolder* folder : all_folders())
    files.folders.emplace(folder->path, folder->identity);
  return files;
}

Tree Scan::to_tree(unsigned threads) const {
  Tree tree{.root = root_,
            .entries = {},
            .excluded = {},
            .content = std::make_shared<DirectorySource>(scanned_files())};
  TreeMaker(threads, links_).make(*top_, tree);
  tree.warnings = dangling_links(tree.entries);
  return tree;
}

}  // namespace rtenv::pkg
