// Where objects lie: one interface over S3, Google Cloud Storage, Azure Blob Storage, HTTP servers,
// files and the job server. Stores are thread-safe; several reads and uploads may go on at a time.
//
// Errors are the same for all: not_found (no such object or bucket), permission_denied (wrong,
// expired or missing credentials), unavailable (no answer, after several attempts),
// invalid_argument (the store refuses the request as such, or doesn't know the operation). Messages
// hold the store's own code and reason, and no secret.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "remote/http.hpp"
#include "remote/uri.hpp"

namespace rtenv::remote {

struct ObjectInfo {
  std::optional<std::uint64_t> size_bytes;
  /// Another one for another content: an ETag, a generation, a time of change. Empty where the
  /// store says none.
  std::string version;
  bool ranges = false;                     // parts of it can be read
  std::optional<std::int64_t> modified_s;  // Unix time; nothing where the store doesn't say
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

/// An object that is being written, forwards only. Not there, or as it was before, until `finish`
/// has succeeded; dropping it before gives it up. For one thread.
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

  /// One attempt to read all of the object, or a part of it where `range` is given. The bytes
  /// handed to `sink` are of `expected.version`, in order. Fails: unavailable, also where fewer
  /// came than were asked for; corrupt where the object is another one by now.
  virtual Result<void> read(const Uri& object, const ObjectInfo& expected,
                            const std::optional<ByteRange>& range, const BodySink& sink) = 0;

  /// `size_bytes`: of the whole object, where it is known.
  virtual Result<std::unique_ptr<Upload>> upload(const Uri& object,
                                                 std::optional<std::uint64_t> size_bytes) = 0;

  /// Objects whose names begin like the prefix's, in the order of their names.
  virtual Result<std::vector<ListedObject>> list(const Uri& prefix) = 0;

  /// One that isn't there is fine where the store doesn't tell.
  virtual Result<void> remove(const Uri& object) = 0;

  /// What tells the object from any other, on another endpoint too. May hold secrets.
  [[nodiscard]] virtual std::string identity(const Uri& object) const { return object.text(); }
};

/// More variables for one URI, by the names that the process would have them under
/// (AWS_ACCESS_KEY_ID, …): how a program that embeds rtenv hands out credentials. Called before
/// each object is looked at; must be thread-safe.
using CredentialProvider = std::function<Result<std::map<std::string, std::string>>(const Uri&)>;

struct StoreOptions {
  Environment environment;  // the process's
  /// Of a job; they win over the process's. Where they hold a credential of a family (AWS_…,
  /// GOOGLE_…, AZURE_…), all credentials of that family in the environment are left aside: keys of
  /// two owners don't mix.
  std::map<std::string, std::string> job_variables;
  CredentialProvider credentials;
  const Cancellation* cancellation = nullptr;
};

/// The store that holds `uri`. Nothing is asked yet. Fails: invalid_argument (local://, settings
/// that contradict each other), and as the credential provider.
Result<std::unique_ptr<ObjectStore>> open_store(const Uri& uri, const StoreOptions& options);

/// The variables that a store is opened with.
Environment with_variables(Environment base, const std::map<std::string, std::string>& variables);

}  // namespace rtenv::remote
