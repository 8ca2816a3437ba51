#include "pkg/tar_zst_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <memory>

#include "base/hash.hpp"
#include "base/mapped_file.hpp"
#include "base/parallel.hpp"
#include "base/raw_bytes.hpp"
#include "pkg/archive_number.hpp"
#include "pkg/byte_text.hpp"
#include "pkg/entry_check.hpp"
#include "pkg/target_folder.hpp"
#include "pkg/unpack_budget.hpp"

namespace rtenv::pkg {
namespace {

constexpr std::size_t k_block_bytes = 512;
constexpr std::size_t k_max_frame_bytes = 64U << 20U;
constexpr std::size_t k_batch_bytes_per_thread = 16U << 20U;
constexpr std::size_t k_max_batch_frames = 4096;
constexpr std::size_t k_max_pax_bytes = 1U << 16U;

struct Frame {
  std::size_t offset = 0;
  std::size_t packed_bytes = 0;
  std::size_t content_bytes = 0;
};

// Nullopt if it is invalid or doesn't declare its size.
std::optional<Frame> frame_at(std::span<const std::byte> packed, std::size_t offset) {
  const auto rest = packed.subspan(offset);
  const std::size_t packed_bytes = ZSTD_findFrameCompressedSize(rest.data(), rest.size());
  const auto content_bytes = ZSTD_getFrameContentSize(rest.data(), rest.size());
  // The errors of ZSTD_getFrameContentSize are huge numbers.
  if (ZSTD_isError(packed_bytes) != 0 || content_bytes > k_max_frame_bytes) return std::nullopt;
  return Frame{offset, packed_bytes, static_cast<std::size_t>(content_bytes)};
}

bool has_sized_frames(std::span<const std::byte> packed) {
  for (std::size_t offset = 0; offset < packed.size();) {
    const auto frame = frame_at(packed, offset);
    if (!frame) return false;
    offset += frame->packed_bytes;
  }
  return true;
}

// The value of an octal field of a header.
std::optional<std::uint64_t> octal(std::string_view field) {
  const auto begin = field.find_first_not_of(" 0");
  if (begin == std::string_view::npos) return 0;
  field = field.substr(begin, field.find_first_of(std::string_view(" \0", 2), begin) - begin);
  std::uint64_t value = 0;
  if (field.empty()) return 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value, 8);
  if (error != std::errc() || end != field.data() + field.size()) return std::nullopt;
  return value;
}

struct Header {
  std::string name;
  std::string target;
  char type = '0';
  std::uint32_t mode = 0;
  ArchiveNumber size_bytes;

  [[nodiscard]] bool is_file() const { return type == '0' || type == '\0'; }
};

std::optional<Header> parse_header(std::string_view block) {
  const auto text = [&](std::size_t offset, std::size_t length) {
    const std::string_view field = block.substr(offset, length);
    return std::string(field.substr(0, field.find('\0')));
  };
  // The field of the checksum itself counts as spaces.
  std::uint64_t sum = std::uint64_t{8} * std::uint64_t{' '};
  for (std::size_t i = 0; i < block.size(); ++i)
    if (i < 148 || i >= 156) sum += static_cast<unsigned char>(block[i]);
  const auto mode = octal(block.substr(100, 8));
  const auto size_bytes = octal(block.substr(124, 12));
  if (octal(block.substr(148, 8)) != sum || block.substr(257, 5) != "ustar" || !mode || !size_bytes)
    return std::nullopt;
  std::string name = text(0, 100);
  if (const std::string prefix = text(345, 155); !prefix.empty()) name = prefix + "/" + name;
  return Header{.name = std::move(name),
                .target = text(157, 100),
                .type = block[156],
                .mode = static_cast<std::uint32_t>(*mode),
                .size_bytes = *size_bytes};
}

// Starts writing a file to the disk while others are unpacked: a later sync takes less time.
void start_writeback(const Fd& file, std::size_t size_bytes) {
  constexpr std::size_t k_min_bytes = 128U << 10U;
  if (size_bytes >= k_min_bytes) ::sync_file_range(file.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
}

class Unpacker {
 public:
  Unpacker(const Path& archive, const Path& folder, const UnpackOptions& options,
           std::uint64_t archive_bytes)
      : archive_(archive),
        folder_(folder),
        options_(options),
        budget_(options.limits, archive_bytes, options.cancellation) {}

  Result<std::optional<std::vector<DigestedFile>>> run(const MappedFile& packed) {
    const bool readable = has_sized_frames(packed.data());
    packed.forget();
    if (!readable) return std::optional<std::vector<DigestedFile>>();
    RTENV_TRY(TargetFolder target, TargetFolder::open(folder_));
    target_.emplace(std::move(target));
    for (std::size_t offset = 0; offset < packed.data().size();) {
      RTENV_TRY(offset, load_batch(packed.data(), offset));
      packed.forget();
      RTENV_TRY(parse_batch());
      RTENV_TRY(write_files());
    }
    if (!ended_ || !waiting_.empty()) return broken("it is truncated");
    std::ranges::sort(digests_, {}, &DigestedFile::path);
    return std::optional(std::move(digests_));
  }

 private:
  // A file that is completely in the batch.
  struct SmallFile {
    std::string path;
    mode_t permissions = 0;
    std::span<const std::byte> data;
  };

  [[nodiscard]] Failure broken(std::string_view reason) const {
    return fail(Errc::corrupt, "{} isn't a complete tar archive: {}", archive_.native(), reason);
  }

  // Appends the frames from `offset` on, decompressed, to the rest of the last batch. Returns the
  // offset of the next batch.
  Result<std::size_t> load_batch(std::span<const std::byte> packed, std::size_t offset) {
    std::vector<Frame> frames;
    std::vector<std::size_t> places;
    std::size_t size_bytes = waiting_.size();
    while (offset < packed.size() && frames.size() < k_max_batch_frames &&
           (frames.empty() || size_bytes < options_.threads * k_batch_bytes_per_thread)) {
      const auto frame = frame_at(packed, offset);
      if (!frame) return broken("it changed while it was read");
      frames.push_back(*frame);
      places.push_back(size_bytes);
      size_bytes += frame->content_bytes;
      offset += frame->packed_bytes;
    }
    waiting_.resize(size_bytes);
    RTENV_TRY(parallel_for(
        frames.size(), options_.threads,
        [] {
          return std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)>(ZSTD_createDCtx(),
                                                                      &ZSTD_freeDCtx);
        },
        [&](auto& context, std::size_t index) -> Result<void> {
          const Frame& frame = frames[index];
          const std::size_t done = ZSTD_decompressDCtx(
              context.get(), waiting_.data() + places[index], frame.content_bytes,
              packed.data() + frame.offset, frame.packed_bytes);
          if (ZSTD_isError(done) != 0) return broken(ZSTD_getErrorName(done));
          if (done != frame.content_bytes)
            return broken("a frame is shorter than its declared size");
          return {};
        }));
    return offset;
  }

  [[nodiscard]] std::string_view text_at(std::size_t offset, std::size_t length) const {
    return as_text(waiting_).substr(offset, length);
  }
  // The number of bytes that fill up the last block of a content.
  static std::size_t padding(std::uint64_t size_bytes) {
    return (k_block_bytes - size_bytes % k_block_bytes) % k_block_bytes;
  }

  // Consumes complete entries, and the available part of a large file. The rest waits for the next
  // batch.
  Result<void> parse_batch() {
    std::size_t at = 0;
    if (large_) RTENV_TRY(continue_large(at));
    while (!large_ && at + k_block_bytes <= waiting_.size()) {
      const std::string_view block = text_at(at, k_block_bytes);
      if (block.find_first_not_of('\0') == std::string_view::npos) {
        ended_ = true;
        at += k_block_bytes;
        continue;
      }
      auto header = parse_header(block);
      if (!header || ended_) return broken("a header is damaged");
      const std::size_t data_at = at + k_block_bytes;
      if (header->type == 'x') {
        if (header->size_bytes > k_max_pax_bytes) return broken("a header is too long");
        const auto size = static_cast<std::size_t>(header->size_bytes.value());
        if (size + padding(size) > waiting_.size() - data_at) break;
        RTENV_TRY(read_pax(text_at(data_at, size)));
        at = data_at + size + padding(size);
        continue;
      }
      if (!pax_path_.empty()) header->name = std::exchange(pax_path_, {});
      if (!pax_target_.empty()) header->target = std::exchange(pax_target_, {});
      if (pax_size_bytes_) header->size_bytes = *std::exchange(pax_size_bytes_, std::nullopt);
      at = data_at;
      RTENV_TRY(begin_entry(*header, at));
    }
    consumed_bytes_ = at;
    return {};
  }

  // `at` is behind the header, and moves behind the content that is in the batch.
  Result<void> begin_entry(const Header& header, std::size_t& at) {
    RTENV_TRY(budget_.add_entry());
    RTENV_TRY(const std::string path, checked_entry_path(header.name, true));
    if (!header.is_file() && header.size_bytes != 0)
      return broken("an entry that isn't a file has content");
    switch (header.type) {
      case '5':
        budget_.count_directory();
        return path.empty() ? Result<void>() : target_->make_directory(path);
      case '2':
        RTENV_TRY(check_link(path, header.target));
        budget_.count_link();
        return target_->make_link(path, header.target);
      case '0':
      case '\0': break;
      default: return refuse_entry(path, "it is neither a file, a folder nor a link");
    }
    RTENV_TRY(const mode_t permissions, checked_permissions(path, header.mode));
    RTENV_TRY(budget_.add_bytes(header.size_bytes));
    budget_.count_file();
    const std::uint64_t size = header.size_bytes.value();
    if (header.size_bytes + padding(size) <= waiting_.size() - at) {
      const auto content = std::span<const std::byte>(waiting_).subspan(at, size);
      small_files_.push_back({path, permissions, content});
      at += size + padding(size);
      return {};
    }
    RTENV_TRY(Fd file, target_->create_file(path, permissions));
    large_.emplace(path, std::move(file), size);
    return continue_large(at);
  }

  Result<void> continue_large(std::size_t& at) {
    const auto here = static_cast<std::size_t>(
        std::min<std::uint64_t>(large_->missing_bytes, waiting_.size() - at));
    const auto data = std::span<const std::byte>(waiting_).subspan(at, here);
    RTENV_TRY(write_full(large_->file, data, large_->path));
    large_->hash.add(data);
    large_->missing_bytes -= here;
    at += here;
    if (large_->missing_bytes > 0) return {};
    // Consume the padding, too, so that the batch continues with a header.
    const std::size_t rest = padding(large_->size_bytes);
    if (at + rest > waiting_.size()) return {};
    at += rest;
    digests_.push_back({large_->path, to_hex(large_->hash.finish())});
    large_.reset();
    return {};
  }

  // A series of "LENGTH key=value\n".
  Result<void> read_pax(std::string_view records) {
    while (!records.empty()) {
      std::size_t length = 0;
      const auto [end, error] =
          std::from_chars(records.data(), records.data() + records.size(), length);
      const auto digits = static_cast<std::size_t>(end - records.data());
      if (error != std::errc() || length > records.size() || length < digits + 3)
        return broken("a header is damaged");
      const std::string_view record = records.substr(digits + 1, length - digits - 2);
      const auto equals = record.find('=');
      if (equals == std::string_view::npos) return broken("a header is damaged");
      const std::string_view key = record.substr(0, equals);
      const std::string_view value = record.substr(equals + 1);
      if (key == "path") pax_path_ = value;
      if (key == "linkpath") pax_target_ = value;
      std::uint64_t number = 0;
      if (key == "size" &&
          std::from_chars(value.data(), value.data() + value.size(), number).ec == std::errc())
        pax_size_bytes_ = number;
      records.remove_prefix(length);
    }
    return {};
  }

  Result<void> write_files() {
    const std::size_t before = digests_.size();
    digests_.resize(before + small_files_.size());
    // Neighbors are usually in the same folder, which the kernel locks for changes: each thread
    // gets long runs of neighbors.
    const std::size_t run_length =
        std::max<std::size_t>(16, small_files_.size() / (std::size_t{options_.threads} * 4));
    RTENV_TRY(parallel_for(
        (small_files_.size() + run_length - 1) / run_length, options_.threads,
        [&] { return std::make_unique<Result<TargetFolder>>(TargetFolder::open(folder_)); },
        [&](std::unique_ptr<Result<TargetFolder>>& target, std::size_t run) -> Result<void> {
          if (!*target) return Failure(target->error());
          Xxh3 hash;
          for (std::size_t i = run * run_length;
               i < std::min(small_files_.size(), (run + 1) * run_length); ++i) {
            const SmallFile& small = small_files_[i];
            RTENV_TRY(const Fd file, (*target)->create_file(small.path, small.permissions));
            RTENV_TRY(write_full(file, small.data, small.path));
            start_writeback(file, small.data.size());
            hash.reset();
            hash.add(small.data);
            digests_[before + i] = {small.path, to_hex(hash.finish())};
          }
          return {};
        }));
    small_files_.clear();
    waiting_.erase(waiting_.begin(),
                   waiting_.begin() + static_cast<std::ptrdiff_t>(consumed_bytes_));
    return {};
  }

  struct LargeFile {
    LargeFile(std::string file_path, Fd opened, std::uint64_t bytes)
        : path(std::move(file_path)),
          file(std::move(opened)),
          size_bytes(bytes),
          missing_bytes(bytes) {}
    std::string path;
    Fd file;
    std::uint64_t size_bytes;
    std::uint64_t missing_bytes;
    Xxh3 hash;
  };

  const Path& archive_;
  const Path& folder_;
  const UnpackOptions& options_;
  UnpackBudget budget_;
  std::optional<TargetFolder> target_;
  RawBytes waiting_;  // decompressed, not yet consumed
  std::size_t consumed_bytes_ = 0;
  std::vector<SmallFile> small_files_;
  std::optional<LargeFile> large_;
  std::string pax_path_;
  std::string pax_target_;
  std::optional<ArchiveNumber> pax_size_bytes_;
  bool ended_ = false;
  std::vector<DigestedFile> digests_;
};

}  // namespace

Result<std::optional<std::vector<DigestedFile>>> unpack_tar_zst(const Path& archive,
                                                                const Path& folder,
                                                                const UnpackOptions& options) {
  RTENV_TRY(const MappedFile packed, MappedFile::open(archive));
  return Unpacker(archive, folder, options, packed.data().size()).run(packed);
}

}  // namespace rtenv::pkg
