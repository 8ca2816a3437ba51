#include "pkg/package_name.hpp"

#include <algorithm>
#include <array>

#include "base/hash.hpp"

namespace rtenv::pkg {
namespace {

struct Row {
  Scheme scheme;
  std::string_view name;
  std::size_t digits;
};
constexpr std::array<Row, 4> k_schemes{{{Scheme::ray, "ray", 16},
                                        {Scheme::xxh3, "xxh3", 32},
                                        {Scheme::archive, "archive", 40},
                                        {Scheme::sha256, "sha256", 64}}};
constexpr std::array<std::string_view, 4> k_extensions{".zip", ".tar.gz", ".tgz", ".tar.xz"};

}  // namespace

std::string_view name(Scheme scheme) noexcept {
  const auto* const row = std::ranges::find(k_schemes, scheme, &Row::scheme);
  return row == k_schemes.end() ? std::string_view() : row->name;
}

Result<Scheme> parse_tree_scheme(std::string_view text) {
  for (const Row& row : k_schemes)
    if (row.name == text && row.scheme != Scheme::archive) return row.scheme;
  return fail(Errc::invalid_argument, "unknown scheme '{}'", text)
      .hint("one of: xxh3, ray, sha256");
}

std::optional<PackageName> PackageName::parse(std::string_view text) {
  if (const auto slash = text.rfind('/'); slash != std::string_view::npos)
    text.remove_prefix(slash + 1);
  constexpr std::string_view k_prefix = "_ray_pkg_";
  if (!text.starts_with(k_prefix)) return std::nullopt;
  text.remove_prefix(k_prefix.size());
  const std::string_view digits = text.substr(0, text.find_first_not_of("0123456789abcdef"));
  const std::string_view extension = text.substr(digits.size());
  const auto* const row = std::ranges::find(k_schemes, digits.size(), &Row::digits);
  if (row == k_schemes.end() || std::ranges::find(k_extensions, extension) == k_extensions.end())
    return std::nullopt;
  return PackageName(row->scheme, std::string(digits), std::string(extension));
}

std::optional<std::string_view> archive_extension(std::string_view path) {
  for (const std::string_view extension : k_extensions)
    if (path.ends_with(extension)) return extension;
  return std::nullopt;
}

bool is_remote_archive(std::string_view path) {
  constexpr std::array<std::string_view, 3> k_more{".tar.bz2", ".tar.zst", ".jar"};
  return archive_extension(path) || std::ranges::any_of(k_more, [&](std::string_view extension) {
           return path.ends_with(extension);
         });
}

Result<PackageName> name_of_archive(const Path& path, std::string sha1_hex) {
  const auto extension = archive_extension(path.native());
  if (!extension)
    return fail(Errc::invalid_argument, "{} isn't an archive that can be a working_dir",
                path.native())
        .hint("give a directory, or a .zip, .tar.gz, .tgz or .tar.xz file");
  const std::string_view canonical = *extension == ".tgz" ? ".tar.gz" : *extension;
  return PackageName(Scheme::archive, std::move(sha1_hex), std::string(canonical));
}

Result<PackageName> name_of_archive(const Path& path, const Cancellation* cancellation) {
  RTENV_TRY(name_of_archive(path, std::string()));  // before a file is read in vain
  RTENV_TRY(std::string digits, sha1_hex_of_file(path, cancellation));
  return name_of_archive(path, std::move(digits));
}

}  // namespace rtenv::pkg
