#include "rtenv/package.hpp"

#include <nlohmann/json.hpp>

#include "base/json_text.hpp"
#include "capi/package.hpp"

using namespace rtenv;

namespace rtenv::capi {
namespace {

Result<Scheme> scheme_of(int32_t value) {
  switch (value) {
    case RTENV_SCHEME_DEFAULT:
    case RTENV_SCHEME_XXH3: return Scheme::xxh3;
    case RTENV_SCHEME_RAY: return Scheme::ray;
    case RTENV_SCHEME_SHA256: return Scheme::sha256;
    default: return Error(Errc::invalid_argument, "options.scheme has an unknown value");
  }
}

std::string_view name_of(EntryType type) {
  switch (type) {
    case EntryType::file: return "file";
    case EntryType::directory: return "directory";
    case EntryType::link: return "link";
    case EntryType::name_only: return "name_only";
    default: return "folder_name_only";
  }
}

nlohmann::json json_of(const std::vector<Entry>& entries) {
  nlohmann::json list = nlohmann::json::array();
  for (const Entry& entry : entries)
    list.push_back({{"path", entry.path},
                    {"type", name_of(entry.type)},
                    {"executable", entry.executable},
                    {"size_bytes", entry.size_bytes},
                    {"link_target", entry.link_target}});
  return list;
}

nlohmann::json json_of(const std::vector<Excluded>& excluded) {
  nlohmann::json list = nlohmann::json::array();
  for (const Excluded& entry : excluded)
    list.push_back({{"path", entry.path},
                    {"is_directory", entry.is_directory},
                    {"reason", entry.reason},
                    {"rules", entry.rules}});
  return list;
}

Result<UnpackOptions> unpack_options(const rtenv_unpack_options* given) {
  RTENV_TRY(const rtenv_unpack_options options, read_struct(given, "options"));
  UnpackOptions result;
  RTENV_TRY(read_options(options.options, result));
  result.strip_top = options.strip_top != 0;
  if (options.max_total_bytes != 0) result.max_total_bytes = options.max_total_bytes;
  if (options.max_entries != 0) result.max_entries = options.max_entries;
  if (options.max_ratio != 0) result.max_ratio = options.max_ratio;
  return result;
}

void set_package(rtenv_package** out, Package package) {
  if (out == nullptr) return;
  std::string uri = package.uri();
  *out = new rtenv_package{std::move(package), std::move(uri)};
}

}  // namespace

Result<PackOptions> pack_options(const rtenv_pack_options* given) {
  RTENV_TRY(const rtenv_pack_options options, read_struct(given, "options"));
  PackOptions result;
  RTENV_TRY(read_options(options.options, result));
  RTENV_TRY(result.scheme, scheme_of(options.scheme));
  if (options.compression < 0 || options.compression > RTENV_COMPRESSION_BEST ||
      options.ignore_rules < 0 || options.ignore_rules > RTENV_IGNORE_GIT)
    return Error(Errc::invalid_argument,
                 "options.compression or options.ignore_rules has an unknown value");
  result.compression = static_cast<Compression>(options.compression);
  result.ignore_rules = static_cast<IgnoreRules>(options.ignore_rules);
  result.use_gitignore = options.no_gitignore == 0;
  result.excludes = strings_of(options.excludes);
  result.includes = strings_of(options.includes);
  if (options.git_revision != nullptr) result.git_revision = options.git_revision;
  result.top_folder = text_of(options.top_folder);
  result.list_excluded = options.list_excluded != 0;
  if (options.digest_cache != nullptr) result.digest_cache = options.digest_cache;
  return result;
}

}  // namespace rtenv::capi

using capi::run;

const char* rtenv_package_name(const rtenv_package* package) {
  return package == nullptr ? nullptr : package->package.name.c_str();
}

const char* rtenv_package_uri(const rtenv_package* package) {
  return package == nullptr ? nullptr : package->uri.c_str();
}

uint64_t rtenv_package_content_bytes(const rtenv_package* package) {
  return package == nullptr ? 0 : package->package.content_bytes;
}

uint64_t rtenv_package_packed_bytes(const rtenv_package* package) {
  return package == nullptr ? 0 : package->package.packed_bytes;
}

rtenv_status rtenv_package_entries(const rtenv_package* package, char** json, rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(capi::check_given({{"package", package}, {"json", json}}));
    capi::set_string(json, json_text(capi::json_of(package->package.entries)));
    return {};
  });
}

rtenv_status rtenv_package_excluded(const rtenv_package* package, char** json,
                                    rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(capi::check_given({{"package", package}, {"json", json}}));
    capi::set_string(json, json_text(capi::json_of(package->package.excluded)));
    return {};
  });
}

void rtenv_package_free(rtenv_package* package) { delete package; }

namespace {

// What makes a package of a directory: `make` gets the options.
template <class Make>
rtenv_status make_package(std::initializer_list<capi::Argument> arguments,
                          const rtenv_pack_options* options, rtenv_package** package,
                          rtenv_error** error, Make make) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(capi::check_given(arguments));
    RTENV_TRY(const PackOptions read, capi::pack_options(options));
    RTENV_TRY(Package made, make(read));
    capi::set_package(package, std::move(made));
    return {};
  });
}

}  // namespace

rtenv_status rtenv_name_directory(const char* directory, const struct rtenv_pack_options* options,
                                  rtenv_package** package, rtenv_error** error) {
  return make_package({{"directory", directory}, {"package", package}}, options, package, error,
                      [&](const PackOptions& read) { return name_directory(directory, read); });
}

rtenv_status rtenv_pack(const char* directory, const char* target,
                        const struct rtenv_pack_options* options, rtenv_package** package,
                        rtenv_error** error) {
  return make_package({{"directory", directory}, {"target", target}}, options, package, error,
                      [&](const PackOptions& read) { return pack(directory, Path(target), read); });
}

rtenv_status rtenv_pack_to(const char* directory, rtenv_write_fn write, void* user,
                           const struct rtenv_pack_options* options, rtenv_package** package,
                           rtenv_error** error) {
  return make_package(
      {{"directory", directory}, {"write", reinterpret_cast<const void*>(write)}}, options, package,
      error, [&](const PackOptions& read) {
        const PackageSink sink = [&](std::span<const std::byte> data) -> Result<void> {
          if (write(data.data(), data.size(), user) == 0) return {};
          return Error(Errc::cancelled, "the caller's write function ended the call");
        };
        return pack(directory, sink, read);
      });
}

rtenv_status rtenv_pack_into(const char* directory, const char* folder,
                             const struct rtenv_pack_options* options, rtenv_package** package,
                             rtenv_error** error) {
  return make_package({{"directory", directory}, {"folder", folder}}, options, package, error,
                      [&](const PackOptions& read) { return pack_into(directory, folder, read); });
}

rtenv_status rtenv_pack_to_descriptor(const char* directory, int32_t descriptor,
                                      const struct rtenv_pack_options* options,
                                      rtenv_package** package, rtenv_error** error) {
  return make_package(
      {{"directory", directory}}, options, package, error,
      [&](const PackOptions& read) { return pack_to_descriptor(directory, descriptor, read); });
}

rtenv_status rtenv_unpack(const char* archive, const char* target,
                          const struct rtenv_unpack_options* options, rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(capi::check_given({{"archive", archive}, {"target", target}}));
    RTENV_TRY(const UnpackOptions read, capi::unpack_options(options));
    RTENV_TRY(unpack(archive, target, read));
    return {};
  });
}

rtenv_status rtenv_inspect(const char* archive, const struct rtenv_unpack_options* options,
                           int32_t* matches_name, rtenv_package** content, rtenv_error** error) {
  return run(error, [&]() -> Result<void> {
    RTENV_TRY(capi::check_given({{"archive", archive}}));
    RTENV_TRY(const UnpackOptions read, capi::unpack_options(options));
    RTENV_TRY(Inspection found, inspect(archive, read));
    if (matches_name != nullptr)
      *matches_name = found.matches_name ? static_cast<int32_t>(*found.matches_name) : -1;
    capi::set_package(content, std::move(found.content));
    return {};
  });
}
