// The name of a package identifies its content: "_ray_pkg_<digits>.zip". The number of digits says
// how it was computed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/cancellation.hpp"

namespace rtenv::pkg {

enum class Scheme : std::uint8_t {
  ray,      // 16 digits: equal to what Ray's own client computes
  xxh3,     // 32 digits: XXH3-128 of a canonical manifest; the default
  archive,  // 40 digits: SHA-1 of an archive's bytes, Ray's name for an existing archive
  sha256,   // 64 digits: SHA-256 of the manifest, for stores shared across trust boundaries
};

std::string_view name(Scheme scheme) noexcept;
/// "ray", "xxh3" or "sha256": the schemes that name a directory. Fails: invalid_argument.
Result<Scheme> parse_tree_scheme(std::string_view text);

class PackageName {
 public:
  PackageName(Scheme scheme, std::string digits, std::string extension = ".zip")
      : scheme_(scheme), digits_(std::move(digits)), extension_(std::move(extension)) {}

  /// Parses a file name or a gcs:// URI. Nullopt if it isn't the name of a package.
  static std::optional<PackageName> parse(std::string_view text);

  [[nodiscard]] Scheme scheme() const noexcept { return scheme_; }
  [[nodiscard]] const std::string& digits() const noexcept { return digits_; }
  [[nodiscard]] std::string file_name() const { return "_ray_pkg_" + digits_ + extension_; }
  [[nodiscard]] std::string uri() const { return "gcs://" + file_name(); }
  /// The name without its extension: the key of the unpacked tree.
  [[nodiscard]] std::string tree_key() const { return "_ray_pkg_" + digits_; }

  friend bool operator==(const PackageName&, const PackageName&) = default;

 private:
  Scheme scheme_;
  std::string digits_;     // lower-case hex
  std::string extension_;  // ".zip", ".tar.gz" or ".tar.xz"
};

/// The extension of an archive that may be a working_dir (".zip", ".tar.gz", ".tgz", ".tar.xz");
/// nullopt if the path has another one.
std::optional<std::string_view> archive_extension(std::string_view path);

/// Whether a path has the extension of an archive that may be fetched and unpacked: one of
/// archive_extension, .tar.bz2, .tar.zst or .jar.
bool is_remote_archive(std::string_view path);

/// Ray's name for an existing archive: the SHA-1 of its bytes. Fails: invalid_argument (the
/// extension), not_found, permission_denied, cancelled.
Result<PackageName> name_of_archive(const Path& path, const Cancellation* cancellation = nullptr);
/// The same for an archive with this path whose SHA-1 is known. Fails: invalid_argument (the
/// extension).
Result<PackageName> name_of_archive(const Path& path, std::string sha1_hex);

}  // namespace rtenv::pkg
