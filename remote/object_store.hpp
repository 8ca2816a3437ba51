// One interface to object stores: S3, Google Cloud Storage, Azure Blob Storage, HTTP servers, local
// files and the job server. Stores are thread-safe; reads and uploads may run concurrently.
//
// All functions fail with: not_found (no such object or bucket), permission_denied (wrong, expired
// or missing credentials), unavailable (no response in time, see Retry), out_of_space (the
// store is full, or the object too large for it), invalid_argument (the store rejects the request
// or doesn't support the operation), cancelled. Messages contain the store's code and reason, and
// no secret.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "remote/checksum.hpp"
#include "remote/http.hpp"
#include "remote/uri.hpp"

namespace rtenv::remote {

/// How several requests are sure to read one version of an object (RFC 9110, 8.8: neither a weak
/// ETag nor Last-Modified, which can be the same for two versions).
enum class Tie : std::uint8_t {
  none,     // they aren't: it is read in one piece, from its beginning
  etag,     // the version is a strong ETag, which each response has
  request,  // each request names the version
};

struct ObjectInfo {
  std::optional<std::uint64_t> size_bytes;
  /// Changes with the content: an ETag, a generation, a modification time. Empty if unknown.
  std::string version;
  Tie tie = Tie::none;
  std::optional<Checksum> checksum;        // of the whole object
  std::optional<std::int64_t> modified_s;  // Unix time; nullopt if unknown
};

struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t size_bytes = 0;
};

struct ListedObject {
  Uri uri;
  std::uint64_t size_bytes = 0;
  std::optional<std::int64_t> modified_s;
};

using OnListed = std::function<Result<void>(ListedObject)>;

/// Takes the content of an object, or of a part, in order.
struct ContentSink {
  BodySink write;
  /// Forgets what was written: the content comes again from its beginning.
  std::function<Result<void>()> restart;
};

/// Writes an object sequentially. The object doesn't exist, or keeps its old content, until
/// `finish` succeeds; destroying the upload before that abandons it. For one thread.
class Upload {
 public:
  virtual ~Upload() = default;
  virtual Result<void> write(std::span<const std::byte> data) = 0;
  virtual Result<void> finish() = 0;
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  virtual Result<ObjectInfo> stat(const Uri& object) = 0;

  /// Reads the object, or a part of it if `range` is set, in as many attempts as it takes (see
  /// Retry). `sink` gets bytes of one version only; with a tie, of `expected.version`, and each
  /// byte once. Requires: a tie, for a part. Fails also: changed (the object, since `expected`).
  virtual Result<void> read(const Uri& object, const ObjectInfo& expected,
                            const std::optional<ByteRange>& range, const ContentSink& sink) = 0;

  /// `size_bytes`: of the whole object, if known.
  virtual Result<std::unique_ptr<Upload>> upload(const Uri& object,
                                                 std::optional<std::uint64_t> size_bytes) = 0;

  /// Objects whose names begin with the prefix, as they arrive, sorted by name (by the stores that
  /// sort). `on_listed` may remove the object. Fails also: invalid_argument (a listing without an
  /// end), as `on_listed`.
  virtual Result<void> list(const Uri& prefix, const OnListed& on_listed) = 0;

  /// Some stores report success for an object that doesn't exist.
  virtual Result<void> remove(const Uri& object) = 0;

  /// Identifies the object among those of all endpoints. May contain secrets.
  [[nodiscard]] virtual std::string identity(const Uri& object) const { return object.text(); }
};

/// Returns environment variables with the credentials for a URI (AWS_ACCESS_KEY_ID, …): lets a
/// program that embeds rtenv supply them. Called for each opened store; must be thread-safe.
using CredentialProvider = std::function<Result<std::map<std::string, std::string>>(const Uri&)>;

enum class Access : std::uint8_t {
  with_credentials,  // if there are some
  anonymous,
};

struct StoreOptions {
  Environment environment;  // of the process
  /// Of the job; those that the stores know override the process's. If they contain a credential of
  /// a family (AWS_…, GOOGLE_…, AZURE_…), the environment's credentials of that family are ignored:
  /// keys of two owners don't mix. If they say where requests go or who can read them
  /// (AWS_ENDPOINT_URL, STORAGE_EMULATOR_HOST, RTENV_TLS_VERIFY, …), no credentials of the process
  /// or its machine are used: whoever names an endpoint brings the credentials for it.
  std::map<std::string, std::string> job_variables;
  CredentialProvider credentials;
  Access access = Access::with_credentials;
  const Cancellation* cancellation = nullptr;
};

/// The store of `uri`. Sends no request yet. Fails: invalid_argument (local://, malformed or
/// contradictory settings), as the function that opens the store, and as the credential provider.
Result<std::unique_ptr<ObjectStore>> open_store(const Uri& uri, const StoreOptions& options);

/// `node` with the variables of a job: see StoreOptions::job_variables.
Environment with_job_variables(Environment node, std::map<std::string, std::string> variables);

/// `base` with `variables` set, and without other credentials of their families (see StoreOptions).
Environment with_variables(Environment base, const std::map<std::string, std::string>& variables);

}  // namespace rtenv::remote
