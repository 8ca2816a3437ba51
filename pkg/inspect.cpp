#include "pkg/inspect.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <map>

#include "base/parallel.hpp"
#include "pkg/digest.hpp"
#include "pkg/zip_reader.hpp"

namespace rtenv::pkg {
namespace {

struct Read {
  Entry entry;
  ContentDigest content;
};

Result<Read> read_entry(const ZipReader& zip, const ZipEntry& source, Inflater& inflater,
                        ContentHasher& hasher, const Cancellation* cancellation) {
  RTENV_TRY(check_not_cancelled(cancellation, "reading", source.name));
  Read result;
  Entry& entry = result.entry;
  entry.path = source.name;
  if (source.is_directory()) {
    entry.path.pop_back();
    entry.type = EntryType::directory;
    return result;
  }
  if (source.is_link()) {
    entry.type = EntryType::link;
    RTENV_TRY(entry.link_target, zip.read_link(source, inflater));
    return result;
  }
  entry.executable = (source.mode & S_IXUSR) != 0;
  entry.size_bytes = source.size_bytes.value();
  hasher.begin(entry.path);
  RTENV_TRY(zip.read(source, inflater, [&](std::span<const std::byte> data) -> Result<void> {
    hasher.add(data);
    return check_not_cancelled(cancellation, "reading", source.name);
  }));
  result.content = hasher.finish();
  return result;
}

// The entries of the packed tree by path. A zip omits most directories: they are added.
using ByPath = std::map<std::string, Read>;

ByPath with_parents(std::vector<Read> reads) {
  ByPath tree;
  for (Read& read : reads) {
    for (auto slash = read.entry.path.find('/'); slash != std::string::npos;
         slash = read.entry.path.find('/', slash + 1)) {
      const std::string folder = read.entry.path.substr(0, slash);
      Read& parent = tree[folder];
      parent.entry.path = folder;
      parent.entry.type = EntryType::directory;
      parent.entry.childless = false;
    }
    const std::string path = read.entry.path;
    if (read.entry.type == EntryType::directory && !tree.contains(path))
      read.entry.childless = true;
    if (read.entry.type == EntryType::directory && tree.contains(path)) continue;
    tree.insert_or_assign(path, std::move(read));
  }
  return tree;
}

Result<std::vector<Read>> read_entries(const ZipReader& zip, Scheme scheme, unsigned threads,
                                       const Cancellation* cancellation) {
  std::vector<Read> reads(zip.entries().size());
  struct Worker {
    Inflater inflater;
    std::unique_ptr<ContentHasher> hasher;
  };
  const auto make_worker = [&] { return Worker{Inflater(), ContentHasher::create(scheme)}; };
  RTENV_TRY(parallel_for(
      reads.size(), threads, make_worker, [&](Worker& worker, std::size_t i) -> Result<void> {
        RTENV_TRY(reads[i],
                  read_entry(zip, zip.entries()[i], worker.inflater, *worker.hasher, cancellation));
        return {};
      }));
  return reads;
}

PackageName combine(std::vector<Read> reads, Scheme scheme) {
  const auto hasher = TreeHasher::create(scheme);
  for (const auto& [path, read] : with_parents(std::move(reads)))
    hasher->add(read.entry, read.content);
  return hasher->finish();
}

}  // namespace

Result<Inspection> inspect(const Path& package, unsigned threads,
                           const Cancellation* cancellation) {
  Inspection result;
  result.name = PackageName::parse(package.filename().native());
  const Scheme scheme = result.name && result.name->scheme() != Scheme::archive
                            ? result.name->scheme()
                            : Scheme::xxh3;
  RTENV_TRY(const ZipReader zip, ZipReader::open(package, {}, cancellation));
  result.package_bytes = zip.size_bytes();
  if (result.name && result.name->scheme() == Scheme::archive) {
    RTENV_TRY(std::string digits, zip.sha1_hex(cancellation));
    RTENV_TRY(result.computed, name_of_archive(package, std::move(digits)));
  }
  RTENV_TRY(auto reads, read_entries(zip, scheme, threads, cancellation));
  for (const Read& read : reads) result.entries.push_back(read.entry);
  std::ranges::sort(result.entries, {}, &Entry::path);
  if (!result.computed) result.computed = combine(std::move(reads), scheme);
  return result;
}

Result<PackageName> name_of_package(const Path& package, Scheme scheme, unsigned threads,
                                    const Cancellation* cancellation) {
  RTENV_TRY(const ZipReader zip, ZipReader::open(package, {}, cancellation));
  RTENV_TRY(auto reads, read_entries(zip, scheme, threads, cancellation));
  return combine(std::move(reads), scheme);
}

}  // namespace rtenv::pkg
