#include "remote/list_pages.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "support/result_matchers.hpp"

namespace rtenv::remote {
namespace {

const OnListed k_ignored = [](const ListedObject&) { return Result<void>(); };

ListedObject object() { return {.uri = {}, .size_bytes = 1, .modified_s = {}}; }

TEST(ListPages, EndsWithThePageThatHasNoToken) {
  int pages = 0;
  std::vector<std::string> tokens;
  EXPECT_THAT(list_pages("s3://b", nullptr, k_ignored,
                         [&](const std::string& token, const OnListed&) -> Result<std::string> {
                           tokens.push_back(token);
                           return ++pages == 3 ? "" : std::to_string(pages);
                         }),
              IsOk());
  EXPECT_EQ(tokens, (std::vector<std::string>{"", "1", "2"}));
}

TEST(ListPages, ATokenThatComesAgainIsAnError) {
  for (const int length : {1, 2, 3, 7, 100}) {
    int pages = 0;
    EXPECT_THAT(
        list_pages("s3://b", nullptr, k_ignored,
                   [&](const std::string&, const OnListed& on_listed) -> Result<std::string> {
                     if (auto listed = on_listed(object()); !listed)
                       return Failure(std::move(listed).error());
                     return std::to_string(++pages % length);
                   }),
        IsError(Errc::invalid_argument, "s3://b: the store's listing has no end"));
    EXPECT_LE(pages, 5 * length) << "soon";
  }
}

TEST(ListPages, PagesThatAreAllEmptyAreAnError) {
  int pages = 0;
  EXPECT_THAT(list_pages("s3://b", nullptr, k_ignored,
                         [&](const std::string&, const OnListed&) -> Result<std::string> {
                           return std::to_string(++pages);
                         }),
              IsError(Errc::invalid_argument, "its pages are empty"));
}

TEST(ListPages, ACancellationEndsAPage) {
  const Cancellation cancellation = must(Cancellation::create());
  const std::jthread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    cancellation.request();
  });
  std::uint64_t entries = 0;
  EXPECT_THAT(list_pages("s3://b", &cancellation, k_ignored,
                         [&](const std::string&, const OnListed& on_listed) -> Result<std::string> {
                           for (;; ++entries)  // a page without an end
                             if (auto listed = on_listed(object()); !listed)
                               return Failure(std::move(listed).error());
                         }),
              IsError(Errc::cancelled, "listing s3://b"));
  EXPECT_GT(entries, 0U);
}

}  // namespace
}  // namespace rtenv::remote
