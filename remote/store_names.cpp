#include "remote/store_names.hpp"

#include <algorithm>
#include <cstdint>

namespace rtenv::remote {
namespace {

enum class Case : std::uint8_t { lower, any };

bool is_letter_or_digit(char c, Case letters) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         (letters == Case::any && c >= 'A' && c <= 'Z');
}

// Letters, digits and, between these, characters of `inner`.
bool is_name(std::string_view name, std::size_t max_bytes, Case letters, std::string_view inner) {
  return !name.empty() && name.size() <= max_bytes && is_letter_or_digit(name.front(), letters) &&
         is_letter_or_digit(name.back(), letters) && std::ranges::all_of(name, [&](char c) {
           return is_letter_or_digit(c, letters) || inner.find(c) != std::string_view::npos;
         });
}

}  // namespace

// Also of the oldest buckets: docs.aws.amazon.com, "General purpose buckets naming rules".
bool S3BucketRule::allows(std::string_view name) noexcept {
  return name.size() <= 255 && name.find_first_not_of('.') != std::string_view::npos &&
         std::ranges::all_of(name, [](char c) {
           return is_letter_or_digit(c, Case::any) || c == '.' || c == '-' || c == '_';
         });
}

bool GsBucketRule::allows(std::string_view name) noexcept {
  return is_name(name, 222, Case::lower, ".-_");
}

bool AzureContainerRule::allows(std::string_view name) noexcept {
  return name == "$root" || name == "$web" || name == "$logs" ||
         is_name(name, 63, Case::lower, "-");
}

bool AzureAccountRule::allows(std::string_view name) noexcept {
  return is_name(name, 24, Case::lower, "");
}

bool AwsRegionRule::allows(std::string_view name) noexcept {
  return is_name(name, 63, Case::any, "-");
}

bool is_host_label(const S3Bucket& bucket) noexcept {
  return is_name(bucket.text(), 63, Case::lower, "-");
}

}  // namespace rtenv::remote
