#include "pkg/package.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "pkg/git_commit.hpp"
#include "pkg/target_folder.hpp"

namespace rtenv::pkg {
namespace {

ScanOptions effective_scan(const PackageOptions& options) {
  ScanOptions scan = options.scan;
  scan.links = options.zip.scheme == Scheme::ray ? Links::follow : Links::keep;
  scan.threads = options.zip.threads;
  scan.cancellation = options.zip.cancellation;
  return scan;
}

void warn_where_empty(const Tree& tree) {
  if (tree.entries.empty())
    log::warn("nothing of {} is in the package: it is empty, or every file is excluded",
              tree.root.native());
}

bool changed_meanwhile(const Error& error) {
  return error.code() == Errc::unavailable || error.code() == Errc::not_found;
}

// A tree that is being written to is looked at once more; after that it is the user's turn.
template <class Attempt>
auto with_second_try(Attempt attempt) -> decltype(attempt()) {
  auto result = attempt();
  if (!result && changed_meanwhile(result.error())) return attempt();
  return result;
}

Result<Tree> scan_either(const Path& root, const PackageOptions& options,
                         const ScanOptions& scan_options) {
  RTENV_TRY(Tree tree, options.git_revision ? scan_commit(root, *options.git_revision, scan_options)
                                            : scan(root, scan_options));
  warn_where_empty(tree);
  return tree;
}

}  // namespace

Result<NamedTree> name_directory(const Path& root, PackageOptions options) {
  return with_second_try([&]() -> Result<NamedTree> {
    std::optional<FileStamper> stamper;
    std::optional<DigestCache> cache;
    if (options.digest_cache && !options.git_revision)
      stamper = FileStamper::begin(root, options.settle_time);
    if (stamper)
      cache = DigestCache::open(*options.digest_cache, stamper->root(), options.zip.scheme);
    ScanOptions scan_options = effective_scan(options);
    scan_options.stamper = stamper ? &*stamper : nullptr;
    scan_options.measure = stamper.has_value();  // else the digest measures what it opens anyway
    RTENV_TRY(Tree tree, scan_either(root, options, scan_options));
    RTENV_TRY(PackageName name, digest(tree, {.scheme = options.zip.scheme,
                                              .threads = options.zip.threads,
                                              .cache = cache ? &*cache : nullptr,
                                              .cancellation = options.zip.cancellation}));
    return NamedTree{std::move(tree), std::move(name)};
  });
}

Result<PackedDirectory> pack_directory(const Path& root, PackageOptions options,
                                       const MakeSink& make_sink) {
  return with_second_try([&]() -> Result<PackedDirectory> {
    RTENV_TRY(Tree tree, scan_either(root, options, effective_scan(options)));
    RTENV_TRY(const ByteSink sink, make_sink());
    RTENV_TRY(WrittenZip zip, write_zip(tree, options.zip, sink));
    return PackedDirectory{std::move(tree), std::move(zip)};
  });
}

Result<void> copy_tree(const NamedTree& named, const Path& target, const DigestOptions& options) {
  const auto& entries = named.tree.entries;
  RTENV_TRY(make_directories(target));
  std::vector<ContentDigest> contents(entries.size());
  struct Worker {
    Result<TargetFolder> folder;
    std::unique_ptr<ContentReader> reader;
    std::unique_ptr<ContentHasher> hasher;
  };
  const auto make_worker = [&] {
    return Worker{TargetFolder::open(target), named.tree.content->reader(),
                  ContentHasher::create(options.scheme)};
  };
  RTENV_TRY(parallel_for(
      entries.size(), options.threads, make_worker,
      [&](Worker& worker, std::size_t i) -> Result<void> {
        if (!worker.folder) return Failure(worker.folder.error());
        if (options.cancellation != nullptr && options.cancellation->requested())
          return fail(Errc::cancelled, "interrupted while copying {}", named.tree.root.native());
        const Entry& entry = entries[i];
        switch (entry.type) {
          case EntryType::directory: return worker.folder->make_directory(entry.path);
          case EntryType::link: return worker.folder->make_link(entry.path, entry.link_target);
          case EntryType::name_only: return {};
          case EntryType::file: break;
        }
        RTENV_TRY(const Fd file,
                  worker.folder->create_file(entry.path, entry.executable ? 0755 : 0644));
        worker.hasher->begin(entry.path);
        RTENV_TRY(worker.reader->open(entry));
        for (;;) {
          RTENV_TRY(const auto piece, worker.reader->next());
          if (piece.empty()) break;
          worker.hasher->add(piece);
          RTENV_TRY(write_full(file, piece, entry.path));
        }
        contents[i] = worker.hasher->finish();
        return {};
      }));
  const auto hasher = TreeHasher::create(options.scheme);
  for (std::size_t i = 0; i < entries.size(); ++i) hasher->add(entries[i], contents[i]);
  if (!(hasher->finish() == named.name))
    return fail(Errc::unavailable, "{} changed while it was copied", named.tree.root.native())
        .hint("run it again when it is still");
  return {};
}

}  // namespace rtenv::pkg
