#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/raw_bytes.hpp"
#include "base/temp_dir.hpp"
#include "envbuild/push.hpp"

namespace rtenv::envbuild {
namespace {

constexpr std::size_t k_buffer_bytes = 1U << 20U;
constexpr const char* k_shown = "standard input";

struct Magic {
  std::string_view bytes;
  const char* extension;
};
constexpr std::array<Magic, 4> k_magics{{{"PK\3\4", ".zip"},
                                         {"PK\5\6", ".zip"},
                                         {"\x1f\x8b", ".tar.gz"},
                                         {"\xfd"
                                          "7zXZ",
                                          ".tar.xz"}}};

// Waits for the input, or for the cancellation.
Result<std::size_t> read_some(const Fd& input, std::span<std::byte> buffer,
                              const Cancellation* cancellation) {
  std::array<pollfd, 2> events{{{.fd = input.get(), .events = POLLIN, .revents = 0},
                                {.fd = cancellation != nullptr ? cancellation->poll_fd() : -1,
                                 .events = POLLIN,
                                 .revents = 0}}};
  for (;;) {
    ::poll(events.data(), events.size(), -1);
    if (cancellation != nullptr && cancellation->requested())
      return fail(Errc::cancelled, "interrupted while reading {}", k_shown);
    const ssize_t count = ::read(input.get(), buffer.data(), buffer.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR && errno != EAGAIN) return fail_errno("read", k_shown);
  }
}

// Returns the extension that the content has as an archive; empty if it is none.
Result<std::string> copy_input(const Fd& input, const Path& target,
                               const Cancellation* cancellation) {
  RTENV_TRY(const Fd file, open_file(target, O_RDWR | O_CREAT | O_EXCL, 0600));
  RawBytes buffer(k_buffer_bytes);
  for (;;) {
    RTENV_TRY(const std::size_t count, read_some(input, buffer, cancellation));
    if (count == 0) break;
    RTENV_TRY(write_full(file, std::span<const std::byte>(buffer).first(count), target.native()));
  }
  std::array<char, 8> head{};
  RTENV_TRY(const std::size_t count,
            read_full_at(file, std::as_writable_bytes(std::span(head)), 0, target.native()));
  for (const Magic& magic : k_magics)
    if (std::string_view(head.data(), count).starts_with(magic.bytes)) return magic.extension;
  return std::string();
}

}  // namespace

Result<Pushed> push_stream(const Fd& input, const remote::Uri& uri, const PushOptions& options) {
  RTENV_TRY(const TempDir folder, TempDir::create());
  const Path copy = folder.path() / "input";
  RTENV_TRY(const std::string extension, copy_input(input, copy, options.store.cancellation));
  const bool by_content = uri.is_prefix() || uri.scheme == remote::Scheme::gcs;
  if (!by_content) return push_file(copy, uri, options);
  if (extension.empty())
    return fail(Errc::invalid_argument,
                "{} is no archive that can be a working_dir, so it has no "
                "name of its own",
                k_shown)
        .hint("add the object's name to {}", uri.shown());
  const Path archive = folder.path() / ("input" + extension);
  RTENV_TRY(rename_path(copy, archive));
  RTENV_TRY(const pkg::PackageName name, pkg::name_of_archive(archive));
  const Path named = folder.path() / name.file_name();
  RTENV_TRY(rename_path(archive, named));
  return push_file(named, uri, options);
}

}  // namespace rtenv::envbuild
