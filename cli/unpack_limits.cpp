#include "cli/unpack_limits.hpp"

#include "base/byte_size.hpp"

namespace rtenv::cli {

void UnpackLimitFlags::declare(const Command& command) {
  command
      .add_option("--max-size", max_size,
                  "Refuse an archive that unpacks to more (1024-based: K M G T)")
      .value_name("SIZE")
      .show_default();
  command
      .add_option("--max-entries", max_entries,
                  "Refuse an archive with more files, folders and links")
      .value_name("N")
      .show_default();
  command
      .add_option("--max-ratio", max_ratio,
                  "Refuse an archive that unpacks to more than N times its own size, and to more "
                  "than 1 GiB")
      .value_name("N")
      .show_default();
}

Result<UnpackOptions> UnpackLimitFlags::options(const Tool& tool, ProgressLine& progress) const {
  auto bytes = parse_byte_size(max_size);
  if (!bytes) return Failure(std::move(bytes).error().within("--max-size"));
  if (max_ratio == 0) return fail(Errc::invalid_argument, "--max-ratio must be at least 1");
  auto options = tool.options<UnpackOptions>(progress.on_progress());
  options.max_total_bytes = *bytes;
  options.max_entries = max_entries;
  options.max_ratio = max_ratio;
  options.limit_hint = "if you trust the archive, raise --max-size, --max-entries or --max-ratio";
  return options;
}

}  // namespace rtenv::cli
