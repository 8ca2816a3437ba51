#include "remote/part_upload.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include "support/result_matchers.hpp"

namespace rtenv::remote {
namespace {

// A store in memory that records its calls.
struct Stored {
  std::map<std::size_t, RawBytes> parts;
  RawBytes whole;
  std::size_t completed_parts = 0;
  bool begun = false;
  bool put_whole = false;
  bool aborted = false;
  std::optional<std::size_t> refuse_part;
  std::mutex mutex;
};

class MemoryTarget final : public PartTarget {
 public:
  explicit MemoryTarget(Stored& stored) : stored_(stored) {}
  Result<void> put_whole(std::span<const std::byte> object) override {
    stored_.put_whole = true;
    stored_.whole.assign(object.begin(), object.end());
    return {};
  }
  Result<void> begin() override {
    stored_.begun = true;
    return {};
  }
  Result<void> send(const Part& part) override {
    if (part.index == stored_.refuse_part) return fail(Errc::permission_denied, "no more");
    const std::lock_guard lock(stored_.mutex);
    stored_.parts[part.index] = part.bytes;
    return {};
  }
  Result<void> complete(std::size_t part_count) override {
    stored_.completed_parts = part_count;
    return {};
  }
  void abort() noexcept override { stored_.aborted = true; }

 private:
  Stored& stored_;
};

RawBytes bytes(std::size_t count) {
  RawBytes result(count);
  for (std::size_t i = 0; i < count; ++i) result[i] = static_cast<std::byte>(i * 7 / 5);
  return result;
}

Result<void> upload(Stored& stored, const RawBytes& object, unsigned connections,
                    std::size_t piece) {
  PartUpload upload(std::make_unique<MemoryTarget>(stored), connections, std::nullopt);
  for (std::size_t offset = 0; offset < object.size(); offset += piece)
    RTENV_TRY(
        upload.write(std::span(object).subspan(offset, std::min(piece, object.size() - offset))));
  return upload.finish();
}

TEST(PartUpload, SendsASmallObjectInOneRequest) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, PartUpload::k_first_part_bytes}) {
    Stored stored;
    const RawBytes object = bytes(size);
    EXPECT_THAT(upload(stored, object, 3, 1U << 20U), IsOk());
    EXPECT_TRUE(stored.put_whole);
    EXPECT_FALSE(stored.begun);
    EXPECT_EQ(stored.whole, object);
  }
}

TEST(PartUpload, SendsALargeObjectInParts) {
  for (const unsigned connections : {1U, 3U}) {
    Stored stored;
    const RawBytes object = bytes(3 * PartUpload::k_first_part_bytes + 12345);
    EXPECT_THAT(upload(stored, object, connections, 700'001), IsOk());
    RawBytes together;
    for (const auto& [index, part] : stored.parts)
      together.insert(together.end(), part.begin(), part.end());
    EXPECT_EQ(together, object);
    EXPECT_EQ(stored.completed_parts, stored.parts.size());
    EXPECT_FALSE(stored.aborted);
  }
}

TEST(PartUpload, PartsHoldTheLargestObjectsOfTheStores) {
  constexpr std::uint64_t k_gibibyte = 1U << 30U;
  const auto capacity = [](std::optional<std::uint64_t> object_bytes) {
    std::uint64_t total = 0;
    for (std::size_t index = 0; index < PartUpload::k_max_parts; ++index) {
      const std::uint64_t part = PartUpload::part_bytes(index, object_bytes);
      EXPECT_EQ(part % (256U << 10U), 0U);
      EXPECT_LE(part, 5 * k_gibibyte) << "S3's largest part";
      total += part;
    }
    return total;
  };
  EXPECT_GE(capacity(std::nullopt), 5 * 1024 * k_gibibyte);
  for (const std::uint64_t gibibytes : {0U, 300U, 5U * 1024, 48U * 1024})
    EXPECT_GE(capacity(gibibytes * k_gibibyte), gibibytes * k_gibibyte);
  EXPECT_EQ(PartUpload::part_bytes(9999, 70 * k_gibibyte), PartUpload::k_first_part_bytes);
}

TEST(PartUpload, AbortsIfAPartIsRefused) {
  Stored stored;
  stored.refuse_part = 1;
  EXPECT_THAT(upload(stored, bytes(6 * PartUpload::k_first_part_bytes), 2, 1U << 20U),
              IsError(Errc::permission_denied, "no more"));
  EXPECT_TRUE(stored.aborted);
  EXPECT_EQ(stored.completed_parts, 0U);
}

TEST(PartUpload, DestructionAbortsAnUnfinishedUpload) {
  Stored stored;
  {
    PartUpload upload(std::make_unique<MemoryTarget>(stored), 2, std::nullopt);
    EXPECT_THAT(upload.write(bytes(2 * PartUpload::k_first_part_bytes + 1)), IsOk());
  }
  EXPECT_TRUE(stored.begun);
  EXPECT_TRUE(stored.aborted);
}

}  // namespace
}  // namespace rtenv::remote
