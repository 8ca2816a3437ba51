#include "runtime_env/local_input.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/cancellation.hpp"
#include "base/changing.hpp"
#include "base/encoding.hpp"
#include "base/file.hpp"
#include "base/folder_entries.hpp"
#include "base/hash.hpp"
#include "base/parallel.hpp"
#include "base/processors.hpp"
#include "pkg/package.hpp"
#include "runtime_env/project_source.hpp"
#include "runtime_env/requirement_line.hpp"

namespace rtenv::runtime_env {
namespace {

using Kind = LocalInput::Kind;

constexpr char k_path_form = 'p';
constexpr char k_url_form = 'u';

std::string mark(char form, LocalInputs::Index index) {
  return fmt::format("{0}{1}{2}{0}", '\0', form, index);
}

Result<std::string> file_line(const Path& path) {
  RTENV_TRY(const std::string digest, sha256_hex_of_file(path));
  return fmt::format("{} sha256:{}", path.filename().native(), digest);
}

// What installers find in a folder: packages, and pages with links. Sorted.
Result<std::vector<Path>> packages_in(const Path& folder) {
  std::vector<Path> files;
  RTENV_TRY(const auto entries, folder_entries(folder));
  for (const auto& [path, type] : entries) {
    const bool counts =
        is_package_file(path.native()) || path.extension() == ".html" || path.extension() == ".htm";
    std::error_code error;
    if (counts && std::filesystem::is_regular_file(path, error)) files.push_back(path);
  }
  std::ranges::sort(files);
  return files;
}

Result<std::vector<std::string>> content_of(Kind kind, const Path& path) {
  std::vector<std::string> lines;
  if (kind == Kind::project) {
    RTENV_TRY(lines.emplace_back(), project_content(path));
  } else if (kind == Kind::package_folder) {
    RTENV_TRY(const auto files, packages_in(path));
    lines.resize(files.size());
    RTENV_TRY(parallel_for(
        files.size(), default_threads(), [] { return 0; },
        [&](int, std::size_t i) -> Result<void> {
          RTENV_TRY(lines[i], file_line(files[i]));
          return {};
        }));
  } else {
    RTENV_TRY(lines.emplace_back(), file_line(path));
  }
  return lines;
}

// Follows links, also one to the file itself: the content counts.
Result<void> copy_content(const Path& from, const Path& to, const Cancellation* cancellation) {
  std::error_code error;
  const Path file = std::filesystem::canonical(from, error);
  if (error) return Failure(system_error(error.value(), "read", from.native()));
  return clone_tree(file, to, {.cancellation = cancellation});
}

Result<void> copy_packages(const Path& folder, const Path& target,
                           const Cancellation* cancellation) {
  RTENV_TRY(make_directories(target));
  RTENV_TRY(const auto files, packages_in(folder));
  for (const Path& file : files) {
    RTENV_TRY(check_not_cancelled(cancellation, "copying", folder.native()));
    RTENV_TRY(copy_content(file, target / file.filename(), cancellation));
  }
  return {};
}

Result<void> write_list(std::string_view text, const Path& target) {
  RTENV_TRY(AtomicFile out, AtomicFile::create(target));
  RTENV_TRY(out.write(text));
  return out.commit(Durability::process);
}

}  // namespace

Result<LocalInputs::Index> LocalInputs::add(Kind kind, const Path& named) {
  // Two names of one project would be two sources of one package.
  std::error_code error;
  const Path real = std::filesystem::canonical(named, error);
  const Path& path = kind == Kind::project && !error ? real : named;
  const auto same = std::ranges::find_if(
      inputs_, [&](const LocalInput& input) { return input.kind == kind && input.path == path; });
  if (same != inputs_.end()) return static_cast<Index>(same - inputs_.begin());
  if (kind == Kind::project) RTENV_TRY(check_requires_no_local_files(path));
  RTENV_TRY(auto content, content_of(kind, path));
  inputs_.push_back({.kind = kind, .path = path, .content = std::move(content), .text = {}});
  return inputs_.size() - 1;
}

LocalInputs::Index LocalInputs::add_list(std::string text) {
  inputs_.push_back(
      {.kind = Kind::list, .path = "list.txt", .content = {}, .text = std::move(text)});
  return inputs_.size() - 1;
}

std::string path_mark(LocalInputs::Index index) { return mark(k_path_form, index); }
std::string url_mark(LocalInputs::Index index) { return mark(k_url_form, index); }

std::string file_url(const Path& path) { return "file://" + percent_encode(path.native(), "/+"); }

std::string with_copies(std::string_view text, const std::vector<Path>& copies) {
  std::string result;
  for (;;) {
    const auto begin = text.find('\0');
    result += text.substr(0, begin);
    if (begin == std::string_view::npos) return result;
    const auto end = text.find('\0', begin + 1);
    LocalInputs::Index index = 0;
    std::from_chars(text.data() + begin + 2, text.data() + end, index);
    result += text[begin + 1] == k_url_form ? file_url(copies[index]) : copies[index].native();
    text.remove_prefix(end + 1);
  }
}

Result<void> copy_input(const LocalInput& input, const std::vector<Path>& copies,
                        const Path& target, const Cancellation* cancellation) {
  switch (input.kind) {
    case Kind::list: return write_list(with_copies(input.text, copies), target);
    case Kind::project: RTENV_TRY(copy_project(input.path, target, cancellation)); break;
    case Kind::package_folder: RTENV_TRY(copy_packages(input.path, target, cancellation)); break;
    case Kind::file:
    case Kind::wheel: RTENV_TRY(copy_content(input.path, target, cancellation)); break;
  }
  RTENV_TRY(const auto copied, content_of(input.kind, target));
  if (copied != input.content)
    return changed_while(input.path.native(), "copied for the installer");
  return {};
}

Result<std::string> content_line(const Path& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) return file_line(path);
  RTENV_TRY(const auto named, pkg::name_directory(path, {.scan = {.use_gitignore = false},
                                                         .zip = {.threads = default_threads()}}));
  return fmt::format("folder {}", named.name().digits());
}

}  // namespace rtenv::runtime_env
