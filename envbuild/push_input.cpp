#include <fcntl.h>

#include <array>

#include "base/spooled_input.hpp"
#include "envbuild/push.hpp"

namespace rtenv::envbuild {
namespace {

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

// The extension that the content has as an archive; empty if it is none.
Result<std::string> extension_of(const Path& path) {
  RTENV_TRY(const Fd file, open_file(path, O_RDONLY));
  std::array<char, 8> head{};
  RTENV_TRY(const std::size_t count,
            read_full(file, std::as_writable_bytes(std::span(head)), path.native()));
  for (const Magic& magic : k_magics)
    if (std::string_view(head.data(), count).starts_with(magic.bytes)) return magic.extension;
  return std::string();
}

}  // namespace

Result<Pushed> push_input(int descriptor, const remote::Uri& uri, const PushOptions& options) {
  RTENV_TRY(const auto input, SpooledInput::read(descriptor, options.store.cancellation));
  std::error_code error;
  if (std::filesystem::file_size(input.path(), error) == 0 && !error)
    return fail(Errc::invalid_argument, "{} is empty: {} isn't replaced", input.name(), uri.shown())
        .hint(
            "did the command before the pipe fail? An empty object is stored from a file: push "
            "FILE");
  const bool by_content = uri.is_prefix() || uri.scheme == remote::Scheme::gcs;
  if (!by_content) return push_file(input.path(), uri, options);
  RTENV_TRY(const std::string extension, extension_of(input.path()));
  if (extension.empty())
    return fail(Errc::invalid_argument,
                "{} is no archive that can be a working_dir, so it has no name of its own",
                input.name())
        .hint("add the object's name to {}", uri.shown());
  RTENV_TRY(const Path archive, input.named("input" + extension));
  RTENV_TRY(const pkg::PackageName name, pkg::name_of_archive(archive, options.store.cancellation));
  RTENV_TRY(const Path named, input.named(name.file_name()));
  return push_file(named, uri, options);
}

}  // namespace rtenv::envbuild
