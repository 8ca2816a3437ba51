#include "pkg/tar_writer.hpp"

#include <array>
#include <cstring>

namespace rtenv::pkg {
namespace {

constexpr std::size_t k_block_bytes = 512;
constexpr std::size_t k_name_bytes = 100;
constexpr std::uint64_t k_max_octal_size = (1ULL << 33U) - 1;  // 11 octal digits

using Block = std::array<char, k_block_bytes>;

void put(Block& block, std::size_t offset, std::string_view text) {
  std::memcpy(block.data() + offset, text.data(), text.size());
}

// The offsets of the fields are from the standard.
Block make_header(std::string_view path, std::string_view target, char type, unsigned mode,
                  std::uint64_t size_bytes) {
  Block block{};
  put(block, 0, path.substr(0, k_name_bytes));
  put(block, 100, fmt::format("{:07o}", mode));
  put(block, 108, "0000000");  // owner
  put(block, 116, "0000000");  // group
  put(block, 124, fmt::format("{:011o}", size_bytes > k_max_octal_size ? 0 : size_bytes));
  put(block, 136, "00000000000");  // time
  put(block, 148, "        ");     // the checksum, while it is computed
  block[156] = type;
  put(block, 157, target.substr(0, k_name_bytes));
  put(block, 257,
      std::string_view("ustar\0"
                       "00",
                       8));
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  put(block, 148, fmt::format("{:06o}", sum));
  block[154] = '\0';
  return block;
}

// "LENGTH key=value\n", where LENGTH counts itself.
std::string pax_record(std::string_view key, std::string_view value) {
  const std::size_t rest = key.size() + value.size() + 3;
  std::size_t length = rest + 1;
  while (std::to_string(length).size() + rest != length) ++length;
  return fmt::format("{} {}={}\n", length, key, value);
}

}  // namespace

Result<void> TarWriter::add_header(const std::string& path, const std::string& target, char type,
                                   unsigned mode, std::uint64_t size_bytes) {
  std::string pax;
  if (path.size() > k_name_bytes) pax += pax_record("path", path);
  if (target.size() > k_name_bytes) pax += pax_record("linkpath", target);
  if (size_bytes > k_max_octal_size) pax += pax_record("size", std::to_string(size_bytes));
  if (!pax.empty()) {
    const Block header = make_header("pax", "", 'x', 0644, pax.size());
    RTENV_TRY(output_.write(std::as_bytes(std::span(header))));
    RTENV_TRY(output_.write(std::as_bytes(std::span(pax))));
    RTENV_TRY(pad(pax.size()));
  }
  const Block header = make_header(path, target, type, mode, size_bytes);
  return output_.write(std::as_bytes(std::span(header)));
}

Result<void> TarWriter::pad(std::uint64_t size_bytes) {
  constexpr Block k_zeros{};
  return output_.write(std::as_bytes(std::span(k_zeros))
                           .first((k_block_bytes - size_bytes % k_block_bytes) % k_block_bytes));
}

Result<void> TarWriter::add_directory(const std::string& path) {
  return add_header(path + "/", "", '5', 0755, 0);
}

Result<void> TarWriter::add_link(const std::string& path, const std::string& target) {
  return add_header(path, target, '2', 0777, 0);
}

Result<void> TarWriter::add_file(const std::string& path, bool executable,
                                 std::span<const std::byte> content) {
  RTENV_TRY(begin_file(path, executable, content.size()));
  return write(content);
}

Result<void> TarWriter::begin_file(const std::string& path, bool executable,
                                   std::uint64_t size_bytes) {
  file_bytes_ = missing_bytes_ = size_bytes;
  return add_header(path, "", '0', executable ? 0755 : 0644, size_bytes);
}

Result<void> TarWriter::write(std::span<const std::byte> data) {
  if (data.size() > missing_bytes_)
    return fail(Errc::internal, "more data was written than the tar entry's size");
  RTENV_TRY(output_.write(data));
  missing_bytes_ -= data.size();
  if (missing_bytes_ == 0 && !data.empty()) return pad(file_bytes_);
  return {};
}

Result<void> TarWriter::finish() {
  if (missing_bytes_ != 0)
    return fail(Errc::internal, "less data was written than the tar entry's size");
  constexpr std::array<char, 2 * k_block_bytes> k_end{};
  RTENV_TRY(output_.write(std::as_bytes(std::span(k_end))));
  return output_.finish();
}

}  // namespace rtenv::pkg
