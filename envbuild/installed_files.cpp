#include "envbuild/installed_files.hpp"

#include <fcntl.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/encoding.hpp"
#include "base/file.hpp"
#include "base/remove_tree.hpp"
#include "envbuild/install_record.hpp"
#include "pkg/tree_path.hpp"

namespace rtenv::envbuild {
namespace {

using Reason = UnconfirmedFile::Reason;

constexpr std::string_view k_info_suffix = ".dist-info";
constexpr std::string_view k_compiled_folder = "__pycache__";
constexpr std::uint64_t k_max_record_bytes = 64U << 20U;

// Whether this is the *.dist-info folder of an installed distribution, rather than of one that a
// distribution contains.
bool is_distribution(const cache::TreeItem& item, InstallForm form) {
  if (item.type != cache::ItemType::directory || !item.path.ends_with(k_info_suffix)) return false;
  const std::string_view folder = pkg::split_name(item.path).folder;
  if (form == InstallForm::folder) return folder.empty();
  const auto parts = pkg::split_path(folder);
  return parts.size() == 3 && parts[0] == "lib" && parts[2] == "site-packages";
}

// Where `relative` leads from `folder`, a path in the environment. Nullopt: out of the environment.
std::optional<std::string> resolved(std::string_view folder, std::string_view relative,
                                    InstallForm form) {
  if (relative.starts_with('/')) return std::nullopt;
  std::string path(folder);
  for (const std::string_view part : pkg::split_path(relative)) {
    if (part == "..") {
      // pip moves the programs of --target, but doesn't correct their paths: "../../bin/x".
      if (path.empty() && form == InstallForm::virtual_env) return std::nullopt;
      path.resize(pkg::split_name(path).folder.size());
    } else if (!part.empty() && part != ".") {
      if (!path.empty()) path += '/';
      path += part;
    }
  }
  return path;
}

bool is_compiled_code(std::string_view path) {
  const auto parts = pkg::split_path(path);
  return std::ranges::find(parts, k_compiled_folder) != parts.end();
}

bool is_record_name(std::string_view name) {
  return name == "RECORD" || name == "RECORD.jws" || name == "RECORD.p7s";
}

class InstallationCheck {
 public:
  InstallationCheck(const Path& folder, InstallForm form, const std::vector<cache::TreeItem>& items,
                    const std::vector<cache::TreeItem>& virtualenv)
      : folder_(folder), form_(form), items_(items), virtualenv_(virtualenv) {}

  Result<std::vector<UnconfirmedFile>> run() {
    for (const cache::TreeItem& item : items_)
      if (is_distribution(item, form_)) RTENV_TRY(check_distribution(item.path));
    std::vector<UnconfirmedFile> unconfirmed;
    for (const auto& [path, found] : found_)
      if (found.problem) unconfirmed.push_back(*found.problem);
    add_unlisted(unconfirmed);
    return unconfirmed;
  }

 private:
  using Problem = std::optional<UnconfirmedFile>;
  struct Found {
    std::string_view distribution;  // the first one that lists it
    Problem problem;                // none: the file is as its RECORD says
  };

  Result<void> check_distribution(const std::string& info) {
    info_ = info;
    const auto [site_packages, name] = pkg::split_name(info);
    distribution_ = *distributions_[std::string(site_packages)]
                         .emplace(name.substr(0, name.find_first_of("-.")))
                         .first;
    const std::string record = info + "/RECORD";
    const cache::TreeItem* item = find(record);
    if (item == nullptr || !item->is_file()) {
      note(record, problem(Reason::damaged, record, "is missing"));
      return {};
    }
    RTENV_TRY(const std::string text, read_file(folder_ / record, k_max_record_bytes));
    const auto rows = parse_record(text);
    if (!rows) {
      note(record, problem(Reason::damaged, record, rows.error().message()));
      return {};
    }
    for (const RecordRow& row : *rows) RTENV_TRY(check_row(row, site_packages));
    return {};
  }

  Result<void> check_row(const RecordRow& row, std::string_view site_packages) {
    const auto path = resolved(site_packages, row.path, form_);
    if (!path) {
      note(row.path, problem(Reason::damaged, row.path, "is outside of the environment"));
    } else if (is_compiled_code(*path)) {
      if (!row.digest.empty()) return remove_compiled(*path);
    } else if (!is_own_record(*path)) {
      const cache::TreeItem* item = find_or_follow(*path);
      RTENV_TRY(auto problem, check_file(row, *path, item));
      note(item != nullptr ? item->path : *path, std::move(problem));
    }
    return {};
  }

  // No path of a RECORD leads out of the environment, whatever links an installer has made.
  Result<void> remove_compiled(const std::string& path) const {
    const auto [parent, name] = pkg::split_name(path);
    RTENV_TRY(const Fd root, open_file(folder_, O_RDONLY | O_DIRECTORY));
    const auto folder = open_beneath(root, parent.empty() ? "." : std::string(parent));
    if (!folder) return {};  // there is none, or it is behind a link, which is a problem of its own
    return remove_entry({folder->get(), std::string(name).c_str()}, folder_ / path);
  }

  Result<Problem> check_file(const RecordRow& row, const std::string& path,
                             const cache::TreeItem* item) const {
    // virtualenv lists compiled code that Python may write later.
    if (item == nullptr && row.digest.empty() && path.ends_with(".pyc")) return Problem();
    if (item == nullptr) return problem(Reason::damaged, path, "is missing");
    // Of UV_LINK_MODE=symlink: neither this check nor `verify` would see a change behind it.
    if (item->type == cache::ItemType::link)
      return problem(Reason::damaged, path, "is a symbolic link");
    if (!item->is_file()) return problem(Reason::damaged, path, "isn't a file");
    if (row.size_bytes && *row.size_bytes != item->size_bytes)
      return problem(Reason::damaged, path,
                     fmt::format("has {} bytes instead of {}", item->size_bytes, *row.size_bytes));
    RTENV_TRY(const auto digest, digest_of(*item, row.algorithm));
    if (!digest) return problem(Reason::unhashed, path, "has no hash in the RECORD");
    if (*digest == row.digest) return Problem();
    return problem(Reason::damaged, path, "doesn't have the hash that is in the RECORD");
  }

  // Nullopt: no algorithm, or one that doesn't protect.
  [[nodiscard]] Result<std::optional<std::string>> digest_of(const cache::TreeItem& item,
                                                             std::string_view algorithm) const {
    std::optional<std::string> digest;
    if (algorithm == "sha256") {
      digest = base64_url(item.sha256.value());
    } else if (algorithm == "sha384") {
      RTENV_TRY(const auto bytes, sha384_of_file(folder_ / item.path));
      digest = base64_url(bytes);
    } else if (algorithm == "sha512") {
      RTENV_TRY(const auto bytes, sha512_of_file(folder_ / item.path));
      digest = base64_url(bytes);
    }
    return digest;
  }

  // The RECORD, which can't contain its own hash, and its signatures.
  [[nodiscard]] bool is_own_record(std::string_view path) const {
    const auto [folder, name] = pkg::split_name(path);
    return folder == info_ && is_record_name(name);
  }

  // uv links everything in an unpacked wheel, listed or not.
  void add_unlisted(std::vector<UnconfirmedFile>& unconfirmed) const {
    for (const auto& [site_packages, distributions] : distributions_) {
      const std::string prefix = site_packages.empty() ? "" : fmt::format("{}/", site_packages);
      auto item = std::ranges::lower_bound(items_, prefix, {}, &cache::TreeItem::path);
      for (; item != items_.end() && item->path.starts_with(prefix); ++item) {
        if (item->type == cache::ItemType::directory || found_.contains(item->path) ||
            needs_no_row(*item))
          continue;
        for (const std::string_view distribution : owners(item->path, prefix, distributions))
          unconfirmed.push_back({.reason = Reason::unhashed,
                                 .path = item->path,
                                 .distribution = std::string(distribution),
                                 .problem = "isn't listed in a RECORD"});
      }
    }
  }

  // A RECORD, which can't contain its own hash, or what makes the virtualenv.
  [[nodiscard]] bool needs_no_row(const cache::TreeItem& item) const {
    const auto [folder, name] = pkg::split_name(item.path);
    if (folder.ends_with(k_info_suffix)) return is_record_name(name);
    const auto before =
        std::ranges::lower_bound(virtualenv_, item.path, {}, &cache::TreeItem::path);
    return before != virtualenv_.end() && before->path == item.path && before->type == item.type &&
           before->content == item.content;
  }

  // The distribution with a file in the same folder or the closest one above it. In the topmost
  // one, it may be any.
  [[nodiscard]] std::vector<std::string_view> owners(
      std::string_view path, std::string_view prefix,
      const std::set<std::string>& distributions) const {
    for (std::string_view folder = pkg::split_name(path).folder; folder.size() > prefix.size();
         folder = pkg::split_name(folder).folder) {
      const auto near = found_.lower_bound(fmt::format("{}/", folder));
      if (near != found_.end() && near->first.starts_with(folder))
        return {near->second.distribution};
    }
    return {distributions.begin(), distributions.end()};
  }

  [[nodiscard]] const cache::TreeItem* find(std::string_view path) const {
    const auto item = std::ranges::lower_bound(items_, path, {}, &cache::TreeItem::path);
    return item != items_.end() && item->path == path ? &*item : nullptr;
  }

  // Follows links of folders, such as lib64.
  [[nodiscard]] const cache::TreeItem* find_or_follow(const std::string& path) const {
    if (const auto* item = find(path)) return item;
    std::error_code error;
    const Path root = std::filesystem::canonical(folder_, error);
    const Path real = std::filesystem::canonical(folder_ / path, error);
    return error ? nullptr : find(real.lexically_relative(root).native());
  }

  [[nodiscard]] Problem problem(Reason reason, const std::string& path, std::string text) const {
    return UnconfirmedFile{.reason = reason,
                           .path = path,
                           .distribution = std::string(distribution_),
                           .problem = std::move(text)};
  }

  // If several distributions installed the file, it is that of one of them.
  void note(const std::string& path, Problem problem) {
    const auto [noted, is_new] = found_.try_emplace(path, Found{distribution_, problem});
    if (!is_new && !problem) noted->second.problem.reset();
  }

  const Path& folder_;
  InstallForm form_;
  const std::vector<cache::TreeItem>& items_;
  const std::vector<cache::TreeItem>& virtualenv_;
  std::string info_;  // the *.dist-info folder of the current distribution
  std::string_view distribution_;
  std::map<std::string, std::set<std::string>> distributions_;  // by site-packages folder
  std::map<std::string, Found> found_;                          // by path
};

}  // namespace

Result<std::vector<UnconfirmedFile>> check_installed_files(
    const Path& folder, InstallForm form, const std::vector<cache::TreeItem>& items,
    const std::vector<cache::TreeItem>& virtualenv) {
  return InstallationCheck(folder, form, items, virtualenv).run();
}

}  // namespace rtenv::envbuild
