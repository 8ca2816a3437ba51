// Packages: a directory as a zip that is named after its content, "_ray_pkg_<digits>.zip". The same
// files give the same name and the same bytes on every machine. How the digits are computed, and
// which files belong to a package, is described in docs/names.md.
//
// All functions are thread-safe. What changes while a directory is read is read again, so that each
// file is in one of its states; a directory that keeps changing is an error (changed).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rtenv/options.hpp"

namespace rtenv {

/// How the digits of a name are computed; their number tells which it was.
enum class Scheme : std::uint8_t {
  ray = 0,      // 16 digits: what Ray's own client computes
  xxh3 = 1,     // 32 digits: XXH3-128 of a canonical manifest
  archive = 2,  // 40 digits: SHA-1 of an archive's bytes, Ray's name for an existing archive
  sha256 = 3,   // 64 digits: SHA-256 of the manifest, for stores shared across trust boundaries
};

/// "ray", "xxh3", "archive", "sha256".
RTENV_API std::string_view name(Scheme scheme) noexcept;

enum class Compression : std::uint8_t {
  automatic = 0,  // per file: fast, or not at all if that doesn't shrink it
  store = 1,
  fast = 2,
  best = 3,
};

/// Which ignore files are read, and what they mean.
enum class IgnoreRules : std::uint8_t {
  ray = 0,  // .gitignore and .rayignore, as Ray reads them
  git = 1,  // what git ignores, with what its repository and the user's settings say
};

struct PackOptions : Options {
  Scheme scheme = Scheme::xxh3;  // not `archive`
  Compression compression = Compression::automatic;
  /// In the syntax of .gitignore. The last pattern that matches decides; .git, .venv, venv and
  /// __pycache__ are excluded by patterns before the first one.
  std::vector<std::string> excludes = {};
  std::vector<std::string> includes = {};  // packed whatever excludes them
  bool use_gitignore = true;               // .rayignore counts even without
  IgnoreRules ignore_rules = IgnoreRules::ray;
  /// Packs this commit of the directory's repository instead of the files on disk.
  std::optional<std::string> git_revision = {};
  /// A folder in which the digests of files are kept, so that unchanged ones aren't read again, see
  /// Cache::digest_folder. nullopt: none.
  std::optional<Path> digest_cache = {};
  /// Whether Package::excluded is filled, which takes a little time.
  bool list_excluded = false;
  /// Whether Package::entries is, which takes a little time, too. If not, it has only those that
  /// aren't in the package themselves: EntryType::name_only.
  bool list_entries = true;
  /// A folder of the package that everything is in, as Ray packs modules: a name, or a path without
  /// "..". Not part of the name.
  std::string top_folder = {};
};

enum class EntryType : std::uint8_t {
  file = 0,
  directory = 1,
  link = 2,
  /// Not in the zip, but its name is part of the digest (Scheme::ray): a dangling link, a socket, a
  /// device; the second, a folder in which everything is excluded.
  name_only = 3,
  folder_name_only = 4,
};

struct Entry {
  std::string path = {};  // relative to the directory, with '/'
  EntryType type = EntryType::file;
  bool executable = false;
  std::uint64_t size_bytes = 0;
  std::string link_target = {};
  /// Whether the archive has an entry for it: not for what is `name_only`, nor for most directories
  /// that have something below them.
  bool is_in_archive = true;
};

/// An entry that was left out. With IgnoreRules::ray, "build/" in a .gitignore leaves out each file
/// below build on its own, as it does in Ray, and each is one of these.
struct Excluded {
  std::string path = {};
  bool is_directory = false;  // with everything below it
  std::string reason = {};    // "build/.gitignore:3: *.o", "excludes: *.log"
  std::string rules = {};     // where the rule is: "build/.gitignore"; empty: it can't be packed
};

/// What naming or packing a directory did, for who asks why it took so long.
struct PackStats {
  unsigned threads = 1;
  std::uint64_t found_files = 0;
  std::uint64_t found_folders = 0;
  std::chrono::duration<double> scan_time{0};
  bool name_was_known = false;    // the directory is unchanged since it was named (digest cache)
  std::uint64_t known_files = 0;  // from the digest cache
  std::uint64_t read_files = 0;
  std::uint64_t read_bytes = 0;
  std::chrono::duration<double> read_time{0};  // when packing, also to compress and write
};

struct Package {
  std::string name = {};  // "_ray_pkg_<digits>.zip"; empty if no digest was computed
  Scheme scheme = Scheme::xxh3;
  std::uint64_t files = 0;
  std::uint64_t content_bytes = 0;  // of all files
  std::uint64_t packed_bytes = 0;   // of the zip; 0 if none was written
  /// Sorted by the bytes of their paths; see PackOptions::list_entries.
  std::vector<Entry> entries = {};
  /// What can't be packed; all that rules left out only with PackOptions::list_excluded.
  std::vector<Excluded> excluded = {};
  std::vector<std::string> warnings =
      {};  // of entries that may surprise: submodules, git-lfs pointers
  PackStats stats = {};

  /// As a runtime_env names it: "gcs://_ray_pkg_<digits>.zip".
  [[nodiscard]] std::string uri() const { return "gcs://" + name; }
};

/// The package that `pack` would write now. Fails: not_found (the directory, the git revision, or
/// its repository), permission_denied, invalid_argument (not a directory; an option), changed,
/// cancelled. A digest cache that can't be used is none.
RTENV_API Result<Package> name_directory(const Path& directory, const PackOptions& options = {});

/// What a package would have in it, without its name: no file is read. Fails: as name_directory.
RTENV_API Result<Package> list_directory(const Path& directory, const PackOptions& options = {});

/// Writes the package to the file `target`, which appears or is replaced when it is complete; a
/// crash leaves the old one, and maybe a file `.rtenv-unfinished-…` beside it, which no package
/// contains. It isn't synced: after a power loss it may be empty. Its folder must exist. If
/// `target` is in the directory, it isn't packed. A pipe or a device is written to, as by
/// pack_to_descriptor. Fails: as name_directory; out_of_space, invalid_argument (an empty target).
RTENV_API Result<Package> pack(const Path& directory, const Path& target,
                               const PackOptions& options = {});
/// Writes the package into a folder, which must exist, under its own name, Package::name. Fails: as
/// pack; not_found (the folder), invalid_argument (it isn't one).
RTENV_API Result<Package> pack_into(const Path& directory, const Path& folder,
                                    const PackOptions& options = {});
/// Writes the package to an open file, a pipe or a socket, from where it stands; the descriptor
/// stays the caller's. If it is a file in the directory, that isn't packed. Waiting for a reader
/// ends with Options::stop. Fails: as pack to a sink; unavailable (nobody reads it any more).
RTENV_API Result<Package> pack_to_descriptor(const Path& directory, int descriptor,
                                             const PackOptions& options = {});

/// Takes the bytes of a package, in order, on the calling thread. An exception is an error
/// (invalid_argument).
using PackageSink = std::function<Result<void>(std::span<const std::byte>)>;
/// Writes the package to a stream. After a failure the stream holds a part of it. Fails: as
/// name_directory and the sink; invalid_argument (an empty sink); changed after less than it takes
/// with a file, since what was written can't be written again.
RTENV_API Result<Package> pack(const Path& directory, const PackageSink& sink,
                               const PackOptions& options = {});

struct UnpackOptions : Options {
  bool strip_top = false;  // if everything is in one top folder, leave that out
  std::uint64_t max_total_bytes = 64ULL << 30U;
  std::uint64_t max_entries = 4'000'000;
  /// Of what is unpacked to the archive's own size, if that is more than 1 GiB.
  std::uint64_t max_ratio = 1100;
  /// The hint of errors about these limits; empty: one that names these members.
  std::string limit_hint = {};
};

struct Unpacked {
  std::uint64_t files = 0;
  std::uint64_t directories = 0;  // that the archive has entries for; others are made for files
  std::uint64_t links = 0;
  std::uint64_t total_bytes = 0;
};

/// Unpacks a zip or tar archive (plain, gzip, xz, bzip2, zstd: known by its content) into the new
/// or empty folder `target`, and makes missing folders above it: all or nothing. Archives that
/// would write outside of it, that contain devices or two entries of one name, or that exceed the
/// limits are refused. Fails: not_found, already_exists (the target), invalid_argument (refused),
/// corrupt, out_of_space, cancelled.
RTENV_API Result<Unpacked> unpack(const Path& archive, const Path& target,
                                  const UnpackOptions& options = {});

struct ArchiveList {
  std::vector<Entry> entries = {};  // sorted by path; the folders that the archive has entries for
  Unpacked summary = {};
};

/// What `unpack` would write, after the same checks. Reads all of the archive. Fails: as unpack.
RTENV_API Result<ArchiveList> list_archive(const Path& archive, const UnpackOptions& options = {});

struct Inspection {
  /// As it should be named after its content, in the scheme that its file name has, else xxh3.
  Package content = {};
  /// Whether its file name is that one; nullopt: that isn't the name of a package.
  std::optional<bool> matches_name = {};
};

/// Reads a whole package, or another archive, and checks all of its checksums. Fails: as unpack.
RTENV_API Result<Inspection> inspect(const Path& archive, const UnpackOptions& options = {});

}  // namespace rtenv
