#include "base/spooled_input.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "base/raw_bytes.hpp"
#include "base/shown_name.hpp"
#include "base/stream_input.hpp"

namespace rtenv {
namespace {

constexpr std::size_t k_buffer_bytes = 1 << 18;

}  // namespace

Result<SpooledInput> SpooledInput::read(int descriptor, const Cancellation* cancellation) {
  if (::isatty(descriptor) == 1)
    return fail(Errc::invalid_argument, "an archive can't be read from a terminal")
        .hint("redirect standard input, or name a file");
  RTENV_TRY(TempDir folder, TempDir::create());
  SpooledInput spooled(shown_descriptor(descriptor), std::move(folder));
  RTENV_TRY(const Fd file, open_file(spooled.path(), O_WRONLY | O_CREAT | O_EXCL, 0600));
  RawBytes buffer(k_buffer_bytes);
  for (;;) {
    RTENV_TRY(const std::size_t count,
              read_available(descriptor, buffer, spooled.name_, cancellation));
    if (count == 0) return spooled;
    RTENV_TRY(write_full(file, std::span(buffer).first(count), spooled.path().native()));
  }
}

Result<Path> SpooledInput::named(const std::string& name) const {
  Path link = folder_.path() / name;
  if (::link(path().c_str(), link.c_str()) != 0) return fail_errno("create", link.native());
  return link;
}

Error SpooledInput::shown(const Error& error) const {
  return with_shown_path(error, path(), name_);
}

}  // namespace rtenv
