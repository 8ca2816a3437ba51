#include "pkg/compression.hpp"

#include <gtest/gtest.h>
#include <libdeflate.h>

#include <array>
#include <random>

namespace rtenv::pkg {
namespace {

// Text with near and far repetitions, so that the bytes depend on every limit of the compressor.
RawBytes sample() {
  std::mt19937 random(1);
  RawBytes data(100'000);
  for (std::size_t i = 0; i < data.size(); ++i)
    data[i] = i >= 3000 && random() % 8 != 0 ? data[i - 1 - random() % 3 * 1400]
                                             : static_cast<std::byte>('a' + random() % 26);
  return data;
}

// Fills the stack where the next call will have its variables.
[[gnu::noinline]] void fill_stack(std::uint16_t value) {
  std::array<volatile std::uint16_t, 1 << 17> garbage;
  for (auto& word : garbage) word = value;
}

class DeflaterTest : public testing::TestWithParam<Compression> {};

TEST_P(DeflaterTest, BytesDoNotDependOnUninitializedMemory) {
  const RawBytes data = sample();
  RawBytes expected;
  Deflater(GetParam()).compress(data, true, expected);
  for (std::uint16_t value = 0; value < 40; ++value) {
    Deflater deflater(GetParam());
    RawBytes out;
    fill_stack(value);
    deflater.compress(data, true, out);
    ASSERT_EQ(out, expected) << "after " << value;
  }
}

TEST_P(DeflaterTest, BytesDoNotDependOnPreviousData) {
  const RawBytes data = sample();
  const auto first = std::span(data).first(20'000);
  RawBytes expected;
  Deflater(GetParam()).compress(first, true, expected);
  Deflater deflater(GetParam());
  RawBytes other;
  for (const bool whole : {false, true}) {
    whole ? deflater.compress_whole(data, other) : deflater.compress(data, false, other);
    RawBytes out;
    deflater.compress(first, true, out);
    EXPECT_EQ(out, expected);
  }
}

TEST(FastDeflater, BytesDoNotDependOnItsAddress) {
  // Short lines that repeat from the beginning: the hash of their third byte matters to ISA-L.
  std::vector<std::string> texts{"* text=auto\n*.txt text eol=crlf\n"};
  for (int count = 5; count < 40; ++count) {
    texts.emplace_back();
    for (int i = 0; i < count; ++i) texts.back() += fmt::format("line {}\n", i);
  }
  // All exist at once, so that each has another address.
  std::vector<std::unique_ptr<Deflater>> deflaters;
  std::vector<RawBytes> expected(texts.size());
  for (int i = 0; i < 60; ++i) {
    deflaters.push_back(std::make_unique<Deflater>(Compression::fast));
    for (std::size_t t = 0; t < texts.size(); ++t) {
      RawBytes out;
      deflaters.back()->compress(std::as_bytes(std::span(texts[t])), true, out);
      if (i == 0) expected[t] = out;
      ASSERT_EQ(out, expected[t]) << "text " << t << ", deflater " << i;
    }
  }
}

TEST(StoredBlocks, AreADeflateStreamOfTheStatedSize) {
  for (const std::size_t size : {1U, 0xffffU, 0x10000U, 300'000U}) {
    RawBytes data(size);
    std::mt19937 random(1);
    for (auto& byte : data) byte = static_cast<std::byte>(random());
    const std::size_t half = size / 2;
    RawBytes out;
    std::size_t filled = 0;
    for (const bool last : {false, true}) {
      RawBytes blocks = make_stored_blocks(last ? size - half : half, last);
      for (const auto content : contents_of(blocks)) {
        std::ranges::copy(std::span(data).subspan(filled, content.size()), content.begin());
        filled += content.size();
      }
      out.insert(out.end(), blocks.begin(), blocks.end());
    }
    EXPECT_EQ(filled, size);
    EXPECT_EQ(out.size(), stored_blocks_bytes(half) + stored_blocks_bytes(size - half));
    RawBytes plain(size + 1);
    const std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)> reader(
        libdeflate_alloc_decompressor(), &libdeflate_free_decompressor);
    std::size_t plain_bytes = 0;
    ASSERT_EQ(libdeflate_deflate_decompress(reader.get(), out.data(), out.size(), plain.data(),
                                            plain.size(), &plain_bytes),
              LIBDEFLATE_SUCCESS);
    plain.resize(plain_bytes);
    EXPECT_EQ(plain, data);
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, DeflaterTest,
                         testing::Values(Compression::fast, Compression::best),
                         [](const auto& test) { return std::string(name(test.param)); });

}  // namespace
}  // namespace rtenv::pkg
