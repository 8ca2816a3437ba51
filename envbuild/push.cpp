#include "envbuild/push.hpp"

#include "base/changing.hpp"
#include "base/hash.hpp"
#include "base/steady_file.hpp"

namespace rtenv::envbuild {
namespace {

using remote::Scheme;
using remote::Uri;

// Appends the name to a prefix.
Result<Uri> named_uri(Uri uri, const std::string& name) {
  if (uri.scheme == Scheme::local)
    return fail(Errc::invalid_argument,
                "{} names a local directory that is used in place; nothing can be pushed there",
                uri.shown());
  if (uri.sha256)
    return fail(Errc::invalid_argument, "{}: a URI with a pin (#sha256=) can only be fetched",
                uri.shown());
  if (uri.is_prefix()) uri.path += name;
  if (uri.scheme == Scheme::gcs && uri.path != name)
    return fail(Errc::invalid_argument,
                "a job server names packages by their content: this one is gcs://{}, not {}", name,
                uri.shown())
        .hint("push to gcs:// without a name");
  return uri;
}

// Only job servers are asked: their packages are named by content and never change.
Result<bool> already_stored(remote::ObjectStore& store, const Uri& uri) {
  if (uri.scheme != Scheme::gcs) return false;
  const auto info = store.stat(uri);
  if (info) return true;
  if (info.error().code() == Errc::not_found) return false;
  return Failure(info.error());
}

// Counts the bytes and reports progress. Stops when the command is cancelled.
struct CountedUpload {
  std::unique_ptr<remote::Upload> upload;
  std::uint64_t sent_bytes = 0;
  std::optional<std::uint64_t> total_bytes;
  const PushOptions& options;

  Result<void> write(std::span<const std::byte> data) {
    const Cancellation* const cancellation = options.store.cancellation;
    if (cancellation != nullptr && cancellation->requested())
      return fail(Errc::cancelled, "interrupted after {} bytes were sent", sent_bytes);
    RTENV_TRY(upload->write(data));
    sent_bytes += data.size();
    if (options.on_progress) options.on_progress(sent_bytes, total_bytes);
    return {};
  }
};

Result<Pushed> push_directory_once(const Path& directory, const pkg::PackageOptions& package,
                                   const Uri& uri, const PushOptions& options) {
  const bool by_content = uri.is_prefix() || uri.scheme == Scheme::gcs;
  std::optional<pkg::PackageName> name;
  if (by_content) {
    RTENV_TRY(const auto named, pkg::name_directory(directory, package));
    name = named.name();
  }
  Pushed pushed;
  RTENV_TRY(pushed.uri, named_uri(uri, name ? name->file_name() : std::string()));
  RTENV_TRY(const auto store, remote::open_store(pushed.uri, options.store));
  RTENV_TRY(const bool stored, already_stored(*store, pushed.uri));
  pushed.package = name;
  if (stored) return pushed;

  CountedUpload upload{.upload = nullptr, .total_bytes = std::nullopt, .options = options};
  RTENV_TRY(auto packed, pkg::pack_directory(directory, package, [&]() -> Result<pkg::ByteSink> {
              upload.sent_bytes = 0;
              RTENV_TRY(upload.upload, store->upload(pushed.uri, std::nullopt));
              return pkg::ByteSink{
                  .write = [&](std::span<const std::byte> data) { return upload.write(data); }};
            }));
  if (name && packed.zip.name != *name) return changed_while(directory.native(), "packed");
  RTENV_TRY(upload.upload->finish());
  pushed.size_bytes = packed.zip.size_bytes;
  pushed.uploaded = true;
  pushed.package = std::move(packed.zip.name);
  pushed.tree = std::move(packed.tree);
  return pushed;
}

Result<Pushed> push_file_once(const Path& file, const Uri& uri, const PushOptions& options) {
  RTENV_TRY(const auto input, SteadyFile::open(file));
  std::string name = file.filename().native();
  std::optional<pkg::PackageName> package;
  if (uri.scheme == Scheme::gcs && file.extension() != ".whl") {
    RTENV_TRY(package, pkg::name_of_archive(file, options.store.cancellation));
    name = package->file_name();
  }
  Pushed pushed{.size_bytes = input.size_bytes()};
  RTENV_TRY(pushed.uri, named_uri(uri, name));
  RTENV_TRY(const auto store, remote::open_store(pushed.uri, options.store));
  RTENV_TRY(const bool stored, already_stored(*store, pushed.uri));
  if (stored) return pushed;

  CountedUpload upload{.upload = nullptr, .total_bytes = pushed.size_bytes, .options = options};
  RTENV_TRY(upload.upload, store->upload(pushed.uri, pushed.size_bytes));
  Sha1 sent;
  RTENV_TRY(input.read([&](std::span<const std::byte> data) {
    if (package) sent.add(data);
    return upload.write(data);
  }));
  if (package && to_hex(sent.finish()) != package->digits())
    return changed_while(file.native(), "sent");
  RTENV_TRY(upload.upload->finish());
  pushed.uploaded = true;
  return pushed;
}

}  // namespace

Result<Pushed> push_directory(const Path& directory, const pkg::PackageOptions& package,
                              const Uri& uri, const PushOptions& options) {
  return retry_if_changed(k_retries_of_directory,
                          [&] { return push_directory_once(directory, package, uri, options); });
}

Result<Pushed> push_file(const Path& file, const Uri& uri, const PushOptions& options) {
  return retry_if_changed(k_retries_of_directory,
                          [&] { return push_file_once(file, uri, options); });
}

}  // namespace rtenv::envbuild
