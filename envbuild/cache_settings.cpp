#include "envbuild/cache_settings.hpp"

#include "base/byte_size.hpp"
#include "base/duration.hpp"
#include "envbuild/env_archive.hpp"

namespace rtenv::envbuild {
namespace {

constexpr std::string_view k_default_max_size = "20GiB";

Failure within(Error error, std::string_view variable) {
  return Failure(std::move(error).within(variable));
}

Result<std::optional<std::chrono::seconds>> find_duration(const Environment& environment,
                                                          std::string_view variable) {
  const auto value = environment.find_filled(variable);
  if (!value) return std::optional<std::chrono::seconds>();
  auto parsed = parse_duration(*value);
  if (!parsed) return within(std::move(parsed).error(), variable);
  return std::optional(*parsed);
}

Result<std::uint64_t> find_size(const Environment& environment, std::string_view variable,
                                std::string_view otherwise) {
  auto bytes = parse_byte_size(environment.find_filled(variable).value_or(otherwise));
  if (!bytes) return within(std::move(bytes).error(), variable);
  return bytes;
}

}  // namespace

Result<Path> cache_root(const Environment& environment) {
  if (const auto configured = environment.find_filled("RTENV_CACHE_DIR")) return Path(*configured);
  if (const auto user_cache = environment.find_filled("XDG_CACHE_HOME"))
    return Path(*user_cache) / "rtenv";
  if (const auto home = environment.find_filled("HOME")) return Path(*home) / ".cache" / "rtenv";
  return fail(Errc::invalid_argument, "cannot choose a folder for the cache: HOME isn't set")
      .hint("set RTENV_CACHE_DIR");
}

Result<cache::Limits> cache_limits(const Environment& environment) {
  cache::Limits limits;
  RTENV_TRY(limits.max_bytes, find_size(environment, "RTENV_CACHE_MAX_SIZE", k_default_max_size));
  RTENV_TRY(limits.min_free_bytes, find_size(environment, "RTENV_CACHE_MIN_FREE", "0"));
  if (limits.min_free_bytes == 0U) limits.min_free_bytes.reset();
  return limits;
}

Result<std::optional<cache::RemoteTierOptions>> remote_tier(const Environment& environment) {
  constexpr std::string_view k_variable = "RTENV_REMOTE_CACHE";
  const auto prefix = environment.find_filled(k_variable);
  if (!prefix) return std::optional<cache::RemoteTierOptions>();
  RTENV_TRY(auto options, remote_tier_at(*prefix, k_variable, environment));
  const auto mode = environment.find_filled("RTENV_REMOTE_CACHE_MODE").value_or("read");
  const auto known = cache::parse_tier_mode(mode);
  if (!known)
    return fail(Errc::invalid_argument, "unknown RTENV_REMOTE_CACHE_MODE '{}'", mode)
        .hint("one of: read, write-through, write-back");
  options.mode = *known;
  return std::optional(std::move(options));
}

Result<cache::RemoteTierOptions> remote_tier_at(std::string_view prefix, std::string_view shown,
                                                const Environment& environment) {
  cache::RemoteTierOptions options{.store = {.environment = environment}};
  auto uri = remote::Uri::parse(prefix);
  if (!uri) return within(std::move(uri).error(), shown);
  if (auto checked = cache::check_holds_archives(*uri); !checked)
    return within(std::move(checked).error(), shown);
  options.prefix = std::move(*uri);
  RTENV_TRY(options.max_age, find_duration(environment, "RTENV_REMOTE_CACHE_MAX_AGE"));
  RTENV_TRY(const auto timeout, find_duration(environment, "RTENV_REMOTE_CACHE_TIMEOUT"));
  if (timeout) options.timeout = *timeout;
  options.filters = archive_filters();
  return options;
}

Result<cache::CacheOptions> with_folder_settings(cache::CacheOptions options,
                                                 const Environment& environment) {
  options.allow_network_file_system = environment.find_filled("RTENV_CACHE_ON_NETWORK") == "1";
  if (const auto readable = environment.find_filled("RTENV_CACHE_READABLE")) {
    if (readable != "0" && readable != "1")
      return fail(Errc::invalid_argument, "RTENV_CACHE_READABLE: '{}' is neither 0 nor 1",
                  *readable);
    options.readable_by_others = readable == "1";
  }
  return options;
}

}  // namespace rtenv::envbuild
