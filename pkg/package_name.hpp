// The name of a package says what it holds: "_ray_pkg_<digits>.zip", and by the number of digits,
// how it was computed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.hpp"

namespace rtenv::pkg {

enum class Scheme : std::uint8_t {
  ray,      // 16 digits: equal to what Ray's own client computes
  xxh3,     // 32 digits: XXH3-128 of a canonical manifest; the default
  archive,  // 40 digits: SHA-1 of an archive's bytes, Ray's name for a ready-made archive
  sha256,   // 64 digits: SHA-256 of the canonical manifest, for stores shared across trust
            // boundaries
};

std::string_view name(Scheme scheme) noexcept;
/// "ray", "xxh3" or "sha256": the schemes that name a directory. Fails: invalid_argument.
Result<Scheme> parse_tree_scheme(std::string_view text);

class PackageName {
 public:
  PackageName(Scheme scheme, std::string digits, std::string extension = ".zip")
      : scheme_(scheme), digits_(std::move(digits)), extension_(std::move(extension)) {}

  /// A file name or a gcs:// URI. Nothing where it isn't a name that says its content.
  static std::optional<PackageName> parse(std::string_view text);

  [[nodiscard]] Scheme scheme() const noexcept { return scheme_; }
  [[nodiscard]] const std::string& digits() const noexcept { return digits_; }
  [[nodiscard]] std::string file_name() const { return "_ray_pkg_" + digits_ + extension_; }
  [[nodiscard]] std::string uri() const { return "gcs://" + file_name(); }
  /// Without the extension: the key of the unpacked tree.
  [[nodiscard]] std::string tree_key() const { return "_ray_pkg_" + digits_; }

  friend bool operator==(const PackageName&, const PackageName&) = default;

 private:
  Scheme scheme_;
  std::string digits_;     // lower-case hex
  std::string extension_;  // ".zip", ".tar.gz" or ".tar.xz"
};

/// Whether a path ends like an archive that may be a working_dir, and how (".zip", ".tar.gz",
/// ".tgz", ".tar.xz").
std::optional<std::string_view> archive_extension(std::string_view path);

/// Whether a path ends like an archive that may be fetched and unpacked: those, .tar.bz2, .tar.zst
/// and .jar.
bool is_remote_archive(std::string_view path);

/// Ray's name for a ready-made archive: the SHA-1 of its bytes.
Result<PackageName> name_of_archive(const Path& path);

}  // namespace rtenv::pkg
