#include "pkg/zip_writer.hpp"

#include <isa-l/crc.h>

#include <algorithm>
#include <optional>

#include "base/ordered_pipeline.hpp"
#include "pkg/block_sharing.hpp"
#include "pkg/digest.hpp"
#include "pkg/utf8.hpp"
#include "pkg/zip_format.hpp"

namespace rtenv::pkg {
namespace {

using zip::RecordWriter;

// A file up to this size is one piece of work and has its sizes in front of its data; a larger one
// is cut into pieces of this size, which several threads compress, and has its sizes behind.
constexpr std::uint64_t k_piece_bytes = ContentReader::k_piece_bytes;
// Small files are handed out by the batch, so that handing out costs nothing against the work.
constexpr std::size_t k_batch_entries = 64;
// Above this, the sizes of a file don't surely fit into 32 bits once compressed.
constexpr std::uint64_t k_zip64_from_bytes = 0xf0000000;
constexpr std::size_t k_sample_bytes = 1 << 16;
constexpr std::size_t k_write_bytes = 1 << 20;

std::uint32_t crc32(std::uint32_t seed, std::span<const std::byte> data) {
  return crc32_gzip_refl(seed, reinterpret_cast<const unsigned char*>(data.data()), data.size());
}

// A piece of work: some entries, or one piece of one large file.
struct Item {
  std::size_t first = 0;  // index into tree.entries
  std::size_t count = 0;
  std::uint64_t offset = 0;  // of the piece, for a large file
  bool large = false;
  bool deflate = false;  // for a large file: decided once for all its pieces
};

// What a worker makes of one small entry.
struct Packed {
  std::uint32_t crc = 0;
  std::uint16_t method = zip::k_method_store;
  RawBytes data;  // as it goes into the zip
  ContentDigest content_digest;
};

struct Produced {
  Item item;
  std::vector<Packed> small;
  RawBytes raw;  // of a large file's piece: the writer hashes the pieces in their order
  RawBytes deflated;
};

struct CentralRecord {
  const Entry* entry;
  std::uint64_t local_offset;
  std::uint64_t packed_bytes;
  std::uint32_t crc;
  std::uint16_t method;
  std::uint16_t flags;
};

std::string zip_path(const Entry& entry, const std::string& top) {
  std::string path = top.empty() ? entry.path : top + '/' + entry.path;
  if (entry.type == EntryType::directory) path += '/';
  return path;
}

std::uint16_t name_flag(const std::string& path) {
  return !is_ascii(path) && is_utf8(path) ? zip::k_flag_utf8 : std::uint16_t{0};
}

std::uint32_t external_attributes(const Entry& entry) {
  constexpr std::uint32_t k_dos_directory = 0x10;
  switch (entry.type) {
    case EntryType::directory: return ((zip::k_type_directory | 0755U) << 16U) | k_dos_directory;
    case EntryType::link: return (zip::k_type_link | 0777U) << 16U;
    default: return (zip::k_type_file | (entry.executable ? 0755U : 0644U)) << 16U;
  }
}

bool in_zip(const Entry& entry) {
  return entry.type == EntryType::file || entry.type == EntryType::link ||
         (entry.type == EntryType::directory && entry.childless);
}

class Worker {
 public:
  Worker(const Tree& tree, const ZipOptions& options)
      : tree_(tree),
        options_(options),
        hasher_(ContentHasher::create(options.scheme)),
        deflater_(options.compression),
        reader_(tree.content->reader()) {}

  Result<Produced> produce(const Item& item) {
    if (options_.cancellation != nullptr && options_.cancellation->requested())
      return fail(Errc::cancelled, "interrupted while packing {}", tree_.root.native());
    Produced produced{.item = item, .small = {}, .raw = {}, .deflated = {}};
    if (item.large) {
      RTENV_TRY(produce_piece(produced));
      return produced;
    }
    produced.small.reserve(item.count);
    for (std::size_t i = item.first; i < item.first + item.count; ++i) {
      RTENV_TRY(auto packed, pack(tree_.entries[i]));
      produced.small.push_back(std::move(packed));
    }
    return produced;
  }

 private:
  Result<void> produce_piece(Produced& produced) {
    const Entry& entry = tree_.entries[produced.item.first];
    const std::uint64_t offset = produced.item.offset;
    produced.raw.resize(std::min(k_piece_bytes, entry.size_bytes - offset));
    RTENV_TRY(reader_->read_at(entry, offset, produced.raw));
    const bool last = offset + produced.raw.size() == entry.size_bytes;
    if (produced.item.deflate) deflater_.compress(produced.raw, last, produced.deflated);
    return {};
  }

  Result<Packed> pack(const Entry& entry) {
    Packed packed;
    if (entry.type == EntryType::link) {
      const auto target = std::as_bytes(std::span(entry.link_target));
      packed.data.assign(target.begin(), target.end());
      packed.crc = crc32(0, packed.data);
    }
    if (entry.type != EntryType::file) return packed;

    RTENV_TRY(reader_->open(entry));
    RTENV_TRY(const auto raw, reader_->next());  // all of it: a small file is one piece
    hasher_->begin(entry.path);
    hasher_->add(raw);
    packed.content_digest = hasher_->finish();
    packed.crc = crc32(0, raw);
    if (deflates(raw)) {
      packed.method = zip::k_method_deflate;
      packed.data.assign(deflated_.begin(), deflated_.end());
      return packed;
    }
    packed.data.assign(raw.begin(), raw.end());
    return packed;
  }

  // Into deflated_, where it is worth it.
  bool deflates(std::span<const std::byte> raw) {
    const bool automatic = options_.compression == Compression::automatic;
    if (options_.compression == Compression::store || raw.empty()) return false;
    if (automatic && !samples_shrink(raw, deflater_)) return false;
    deflated_.clear();
    deflater_.compress_whole(raw, deflated_);
    return automatic ? worth_deflating(raw.size(), deflated_.size())
                     : deflated_.size() < raw.size();
  }

  const Tree& tree_;
  const ZipOptions& options_;
  std::unique_ptr<ContentHasher> hasher_;
  Deflater deflater_;
  RawBytes deflated_;
  std::unique_ptr<ContentReader> reader_;
};

class Writer {
 public:
  Writer(const Tree& tree, const ZipOptions& options, const ByteSink& sink)
      : tree_(tree),
        options_(options),
        sink_(sink),
        tree_hasher_(TreeHasher::create(options.scheme)),
        large_hasher_(ContentHasher::create(options.scheme)) {
    if (options.compression == Compression::store)
      sharing_ = BlockSharing::between(tree.root, sink.file);
    central_.reserve(tree.entries.size());
  }

  Result<void> consume(Produced produced) {
    if (produced.item.large) return consume_piece(produced);
    for (std::size_t i = 0; i < produced.item.count; ++i)
      RTENV_TRY(write_small(tree_.entries[produced.item.first + i], produced.small[i]));
    return {};
  }

  Result<WrittenZip> finish() {
    const std::uint64_t directory_offset = offset_ + out_.size();
    for (const CentralRecord& record : central_) {
      write_central(record);
      RTENV_TRY(flush_if_full());
    }
    write_end(directory_offset, offset_ + out_.size() - directory_offset);
    RTENV_TRY(flush());
    return WrittenZip{.name = tree_hasher_->finish(), .size_bytes = offset_};
  }

 private:
  Result<void> write_small(const Entry& entry, const Packed& packed) {
    tree_hasher_->add(entry, packed.content_digest);
    if (!in_zip(entry)) return {};
    const std::string path = zip_path(entry, options_.top);
    const std::uint16_t flags = name_flag(path);
    central_.push_back({.entry = &entry,
                        .local_offset = offset_ + out_.size(),
                        .packed_bytes = packed.data.size(),
                        .crc = packed.crc,
                        .method = packed.method,
                        .flags = flags});
    const std::uint64_t size =
        entry.type == EntryType::link ? entry.link_target.size() : entry.size_bytes;
    local_header(zip::k_version_plain, flags, packed.method)
        .u32(packed.crc)
        .u32(static_cast<std::uint32_t>(packed.data.size()))
        .u32(static_cast<std::uint32_t>(size))
        .u16(static_cast<std::uint16_t>(path.size()))
        .u16(0)
        .text(path);
    return append(packed.data);
  }

  Result<void> consume_piece(const Produced& produced) {
    const Entry& entry = tree_.entries[produced.item.first];
    if (produced.item.offset == 0) {
      large_hasher_->begin(entry.path);
      begin_large(entry, produced.item.deflate);
      shares_ = sharing_ && sharing_->begin(entry);
    }
    large_hasher_->add(produced.raw);
    CentralRecord& record = central_.back();
    record.crc = crc32(record.crc, produced.raw);
    const RawBytes& data = produced.item.deflate ? produced.deflated : produced.raw;
    record.packed_bytes += data.size();
    RTENV_TRY(flush());
    if (!shares_) RTENV_TRY(write(data));
    if (produced.item.offset + produced.raw.size() == entry.size_bytes) {
      if (shares_) RTENV_TRY(share(entry));
      end_large(entry, record);
      tree_hasher_->add(entry, large_hasher_->finish());
    }
    return {};
  }

  // A large file that was read but not written yet.
  Result<void> share(const Entry& entry) {
    RTENV_TRY(const bool shared, sharing_->append());
    if (shared)
      offset_ += entry.size_bytes;
    else
      RTENV_TRY(copy(entry));
    RTENV_TRY(sharing_->check_unchanged());
    if (!shared) sharing_.reset();  // the kernel can't, now and later
    return {};
  }

  Result<void> copy(const Entry& entry) {
    const auto reader = tree_.content->reader();
    RTENV_TRY(reader->open(entry));
    for (;;) {
      RTENV_TRY(const auto piece, reader->next());
      if (piece.empty()) return {};
      RTENV_TRY(write(piece));
    }
  }

  void begin_large(const Entry& entry, bool deflate) {
    const bool zip64 = entry.size_bytes >= k_zip64_from_bytes;
    const std::string path = zip_path(entry, options_.top);
    const auto flags = static_cast<std::uint16_t>(name_flag(path) | zip::k_flag_descriptor);
    const std::uint16_t method = deflate ? zip::k_method_deflate : zip::k_method_store;
    central_.push_back({.entry = &entry,
                        .local_offset = offset_ + out_.size(),
                        .packed_bytes = 0,
                        .crc = 0,
                        .method = method,
                        .flags = flags});
    auto header = local_header(zip64 ? zip::k_version_zip64 : zip::k_version_plain, flags, method);
    header.u32(0).u32(zip64 ? zip::k_limit32 : 0).u32(zip64 ? zip::k_limit32 : 0);
    RawBytes extra_fields;
    RecordWriter extra(extra_fields);
    if (zip64) extra.u16(zip::k_extra_zip64).u16(16).u64(0).u64(0);
    if (options_.compression == Compression::store) {
      constexpr std::uint64_t k_alignment = BlockSharing::k_alignment_bytes;
      constexpr std::size_t k_field_bytes = 6;
      const std::uint64_t end =
          offset_ + out_.size() + 4 + path.size() + extra_fields.size() + k_field_bytes;
      const auto padding_bytes =
          static_cast<std::size_t>((k_alignment - end % k_alignment) % k_alignment);
      extra.u16(zip::k_extra_alignment)
          .u16(static_cast<std::uint16_t>(2 + padding_bytes))
          .u16(k_alignment);
      extra_fields.insert(extra_fields.end(), padding_bytes, std::byte{0});
    }
    header.u16(static_cast<std::uint16_t>(path.size()))
        .u16(static_cast<std::uint16_t>(extra_fields.size()));
    header.text(path);
    out_.insert(out_.end(), extra_fields.begin(), extra_fields.end());
  }

  void end_large(const Entry& entry, const CentralRecord& record) {
    auto descriptor = RecordWriter(out_).u32(zip::k_data_descriptor).u32(record.crc);
    if (entry.size_bytes >= k_zip64_from_bytes)
      descriptor.u64(record.packed_bytes).u64(entry.size_bytes);
    else
      descriptor.u32(static_cast<std::uint32_t>(record.packed_bytes))
          .u32(static_cast<std::uint32_t>(entry.size_bytes));
  }

  RecordWriter local_header(std::uint16_t version, std::uint16_t flags, std::uint16_t method) {
    return RecordWriter(out_)
        .u32(zip::k_local_header)
        .u16(version)
        .u16(flags)
        .u16(method)
        .u16(zip::k_dos_time)
        .u16(zip::k_dos_date);
  }

  void write_central(const CentralRecord& record) {
    const Entry& entry = *record.entry;
    const std::string path = zip_path(entry, options_.top);
    const std::uint64_t size =
        entry.type == EntryType::link ? entry.link_target.size() : entry.size_bytes;
    RawBytes extra_values;
    RecordWriter extra(extra_values);
    const auto narrow = [&](std::uint64_t value) {
      if (value < zip::k_limit32) return static_cast<std::uint32_t>(value);
      extra.u64(value);
      return zip::k_limit32;
    };
    const std::uint32_t size32 = narrow(size);
    const std::uint32_t packed32 = narrow(record.packed_bytes);
    const std::uint32_t offset32 = narrow(record.local_offset);
    const std::uint16_t version = !extra_values.empty() || size >= k_zip64_from_bytes
                                      ? zip::k_version_zip64
                                      : zip::k_version_plain;
    RecordWriter header(out_);
    header.u32(zip::k_central_header).u16(zip::k_made_by_unix | zip::k_version_zip64).u16(version);
    header.u16(record.flags).u16(record.method).u16(zip::k_dos_time).u16(zip::k_dos_date);
    header.u32(record.crc).u32(packed32).u32(size32);
    header.u16(static_cast<std::uint16_t>(path.size()));
    header.u16(static_cast<std::uint16_t>(extra_values.empty() ? 0 : extra_values.size() + 4));
    header.u16(0).u16(0).u16(0).u32(external_attributes(entry)).u32(offset32).text(path);
    if (extra_values.empty()) return;
    header.u16(zip::k_extra_zip64).u16(static_cast<std::uint16_t>(extra_values.size()));
    out_.insert(out_.end(), extra_values.begin(), extra_values.end());
  }

  void write_end(std::uint64_t directory_offset, std::uint64_t directory_bytes) {
    const std::uint64_t count = central_.size();
    RecordWriter end(out_);
    if (count >= zip::k_limit16 || directory_offset >= zip::k_limit32 ||
        directory_bytes >= zip::k_limit32) {
      const std::uint64_t end64_offset = offset_ + out_.size();
      end.u32(zip::k_end64)
          .u64(zip::k_end64_bytes - 12)
          .u16(zip::k_made_by_unix | zip::k_version_zip64);
      end.u16(zip::k_version_zip64)
          .u32(0)
          .u32(0)
          .u64(count)
          .u64(count)
          .u64(directory_bytes)
          .u64(directory_offset);
      end.u32(zip::k_end64_locator).u32(0).u64(end64_offset).u32(1);
    }
    const auto count16 = static_cast<std::uint16_t>(std::min<std::uint64_t>(count, zip::k_limit16));
    end.u32(zip::k_end).u16(0).u16(0).u16(count16).u16(count16);
    end.u32(static_cast<std::uint32_t>(std::min<std::uint64_t>(directory_bytes, zip::k_limit32)));
    end.u32(static_cast<std::uint32_t>(std::min<std::uint64_t>(directory_offset, zip::k_limit32)))
        .u16(0);
  }

  Result<void> append(std::span<const std::byte> data) {
    out_.insert(out_.end(), data.begin(), data.end());
    return flush_if_full();
  }

  Result<void> flush_if_full() { return out_.size() >= k_write_bytes ? flush() : Result<void>(); }

  Result<void> flush() {
    RTENV_TRY(write(out_));
    out_.clear();
    return {};
  }

  Result<void> write(std::span<const std::byte> data) {
    if (data.empty()) return {};
    RTENV_TRY(sink_.write(data));
    offset_ += data.size();
    return {};
  }

  const Tree& tree_;
  const ZipOptions& options_;
  const ByteSink& sink_;
  std::optional<BlockSharing> sharing_;
  bool shares_ = false;  // the large file under way
  std::unique_ptr<TreeHasher> tree_hasher_;
  std::unique_ptr<ContentHasher> large_hasher_;
  std::vector<CentralRecord> central_;
  RawBytes out_;              // not given to the sink yet
  std::uint64_t offset_ = 0;  // of out_'s beginning within the zip
};

// Three samples of a large file tell whether the whole is worth deflating.
Result<bool> sample_shrinks(ContentReader& reader, const Entry& entry) {
  Deflater deflater(Compression::automatic);
  RawBytes raw(k_sample_bytes);
  RawBytes deflated;
  for (std::uint64_t part = 0; part < 3; ++part) {
    const std::uint64_t offset = (entry.size_bytes - k_sample_bytes) / 2 * part;
    RTENV_TRY(reader.read_at(entry, offset, raw));
    deflater.compress(raw, true, deflated);
  }
  return worth_deflating(3 * raw.size(), deflated.size());
}

Result<std::vector<Item>> plan(const Tree& tree, const ZipOptions& options) {
  std::vector<Item> items;
  const auto reader = tree.content->reader();
  std::uint64_t batch_bytes = 0;
  for (std::size_t i = 0; i < tree.entries.size(); ++i) {
    const Entry& entry = tree.entries[i];
    if (zip_path(entry, options.top).size() >= zip::k_limit16)
      return fail(Errc::invalid_argument, "the path {}… is too long for a zip",
                  entry.path.substr(0, 100));
    if (entry.type == EntryType::file && entry.size_bytes > k_piece_bytes) {
      bool deflate =
          options.compression == Compression::fast || options.compression == Compression::best;
      if (options.compression == Compression::automatic) {
        RTENV_TRY(deflate, sample_shrinks(*reader, entry));
      }
      for (std::uint64_t offset = 0; offset < entry.size_bytes; offset += k_piece_bytes)
        items.push_back(
            {.first = i, .count = 1, .offset = offset, .large = true, .deflate = deflate});
      continue;
    }
    if (items.empty() || items.back().large || items.back().count == k_batch_entries ||
        batch_bytes + entry.size_bytes > k_piece_bytes) {
      items.push_back({.first = i, .count = 0});
      batch_bytes = 0;
    }
    ++items.back().count;
    batch_bytes += entry.size_bytes;
  }
  return items;
}

}  // namespace

Result<WrittenZip> write_zip(const Tree& tree, const ZipOptions& options, const ByteSink& sink) {
  RTENV_TRY(const auto items, plan(tree, options));
  Writer writer(tree, options, sink);
  const std::size_t window = 4 * std::size_t{options.threads};
  RTENV_TRY(ordered_pipeline<Produced>(
      items.size(), options.threads, window, [&] { return Worker(tree, options); },
      [&](Worker& worker, std::size_t i) { return worker.produce(items[i]); },
      [&](Produced produced) { return writer.consume(std::move(produced)); }));
  return writer.finish();
}

}  // namespace rtenv::pkg
