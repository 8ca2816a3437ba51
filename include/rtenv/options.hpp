// What all functions of rtenv take from their caller: variables, credentials, progress, a request
// to stop. rtenv has no settings of its own and changes nothing of the process: no signals, no
// current folder, no environment variables, no output.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "rtenv/result.hpp"
#include "rtenv/stop.hpp"

namespace rtenv {

using Path = std::filesystem::path;

/// Environment variables, by name.
using Variables = std::map<std::string, std::string, std::less<>>;

/// Of one object that is transferred, one directory that is read or packed, or one archive that is
/// read or unpacked: the content's bytes. It begins anew with the next one. All functions that read
/// or write much report it, at most some thousand times a second, but for those of Cache.
struct Progress {
  std::uint64_t done_bytes = 0;
  std::optional<std::uint64_t> total_bytes = {};  // nullopt: unknown
};

/// Called by one thread at a time, but not always by the caller's. If it throws, the operation is
/// stopped and fails (invalid_argument).
using OnProgress = std::function<void(const Progress&)>;

/// Called with pieces of text, such as the output of an installer; threads and exceptions: as
/// OnProgress.
using OnText = std::function<void(std::string_view)>;

/// Returns the variables with the credentials for a URI of a store, as the vendor's own tools read
/// them (AWS_ACCESS_KEY_ID, AWS_SESSION_TOKEN, AWS_REGION, GOOGLE_APPLICATION_CREDENTIALS,
/// AZURE_STORAGE_KEY, …), or for the address of a job server as JobClient::open got it
/// (RAY_AUTH_TOKEN). They override those of `Options::environment`. The indexes of uv and pip have
/// their own variables. Several threads may call it at once. Fails: as it likes; what it throws is
/// an error, too (invalid_argument).
using Credentials = std::function<Result<Variables>(std::string_view uri)>;

/// Copied by the functions that take it. All members may be left as they are.
struct Options {
  /// Where settings, credentials and programs are looked up: RTENV_…, AWS_…, HTTPS_PROXY, HOME,
  /// PATH, …. nullopt: the variables of the process, read during the call, while no other thread
  /// may change them.
  std::optional<Variables> environment = {};
  /// Relative paths that the call gets are relative to it; those in a RuntimeEnv to that one's own.
  /// Empty: to the current folder of the process.
  Path base = {};
  Credentials credentials = {};
  OnProgress on_progress = {};
  /// A call that is asked to stop fails with `cancelled` within a fraction of a second, and leaves
  /// nothing half-done. A signal handler may request a StopSignal, but not a std::stop_source.
  Stop stop = {};
  /// At most so many; 0: one for each processor that the process may use.
  unsigned threads = 0;
};

}  // namespace rtenv
