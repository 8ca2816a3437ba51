#include "envbuild/local_tree.hpp"

#include "base/absolute_path.hpp"
#include "base/changing.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"
#include "pkg/package.hpp"

namespace rtenv::envbuild {
namespace {

constexpr std::size_t k_key_digits = 32;

// Digested, because the name of the file or folder in the entry may be longer than a key.
Result<cache::Key> key_with_name(std::string_view content, std::string_view name) {
  return cache::Key::parse("module-" +
                           sha256_hex(fmt::format("{} {}", content, name)).substr(0, k_key_digits));
}

cache::BuildOptions build_options(const Path& path, const PrepareOptions& options) {
  return {.wait = {.cancellation = options.cancellation, .on_wait = [&] {
                     log::info("another process is copying {}; waiting for it", path.native());
                   }}};
}

}  // namespace

Result<LeasedPath> store_directory(const Path& directory, const std::string& top,
                                   const std::vector<std::string>& excludes, cache::Cache& cache,
                                   const PrepareOptions& options) {
  pkg::ScanOptions scan = pkg::scan_options(options.node, pkg::Scheme::xxh3, excludes);
  // Of a cache in the directory, rtenv itself changes files meanwhile.
  const Path cache_below = cache.root().lexically_relative(absolute_path(directory));
  if (!cache_below.empty() && *cache_below.begin() != ".." && cache_below != ".")
    scan.excludes.push_back(pkg::exclude_pattern(cache_below.native()));
  const pkg::PackageOptions package{
      .scan = std::move(scan),
      .zip = {.threads = options.threads, .cancellation = options.cancellation},
      .digest_cache = cache::Cache::digests_folder(cache.root())};
  return retry_if_changed(k_retries_of_directory, [&]() -> Result<LeasedPath> {
    RTENV_TRY(auto named, pkg::name_directory(directory, package));
    const std::string content = named.name().tree_key();
    RTENV_TRY(const cache::Key key,
              top.empty() ? cache::Key::parse(content) : key_with_name(content, top));
    const auto build = [&](const cache::BuildContext& context) -> Result<void> {
      if (!top.empty()) RTENV_TRY(make_directories(context.target));
      return pkg::copy_tree(named, top.empty() ? context.target : context.target / top,
                            {.scheme = named.name().scheme(),
                             .threads = options.threads,
                             .cancellation = options.cancellation});
    };
    RTENV_TRY(auto lease,
              cache.get_or_build(cache::Kind::tree, key, build, build_options(directory, options)));
    return leased_path(std::move(lease));
  });
}

Result<LeasedPath> store_single_file(const Path& file, cache::Cache& cache,
                                     const PrepareOptions& options) {
  return retry_if_changed(k_retries_of_directory, [&]() -> Result<LeasedPath> {
    RTENV_TRY(const std::string digest, sha256_hex_of_file(file, options.cancellation));
    RTENV_TRY(const cache::Key key, key_with_name(digest, file.filename().native()));
    const auto build = [&](const cache::BuildContext& context) -> Result<void> {
      const Path copy = context.target / file.filename();
      RTENV_TRY(make_directories(context.target));
      RTENV_TRY(clone_tree(file, copy, {.cancellation = options.cancellation}));
      RTENV_TRY(const std::string copied, sha256_hex_of_file(copy, options.cancellation));
      return copied == digest ? Result<void>() : changed_while(file.native(), "copied");
    };
    RTENV_TRY(auto lease,
              cache.get_or_build(cache::Kind::tree, key, build, build_options(file, options)));
    return leased_path(std::move(lease));
  });
}

}  // namespace rtenv::envbuild
