// The names that become parts of host names and URLs. A value of such a type has passed the rules
// of its store, so it can't lead a request to another host or path. Thread-safe: no state.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace rtenv::remote {

template <class Rule>
class StoreName {
 public:
  /// `shown` names in messages where the name is from. Fails: invalid_argument.
  static Result<StoreName> parse(std::string_view text, std::string_view shown) {
    if (Rule::allows(text)) return StoreName(text);
    return fail(Errc::invalid_argument, "{}: that isn't the name of {}", shown, Rule::k_noun)
        .hint("such a name has {}", Rule::k_characters);
  }

  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  explicit StoreName(std::string_view text) : text_(text) {}
  std::string text_;
};

struct S3BucketRule {
  static constexpr std::string_view k_noun = "an S3 bucket";
  static constexpr std::string_view k_characters = "letters, digits, '.', '-' and '_' only";
  static bool allows(std::string_view name) noexcept;
};
struct GsBucketRule {
  static constexpr std::string_view k_noun = "a Google Cloud Storage bucket";
  static constexpr std::string_view k_characters =
      "lower-case letters, digits, '.', '-' and '_' only";
  static bool allows(std::string_view name) noexcept;
};
struct AzureContainerRule {
  static constexpr std::string_view k_noun = "an Azure container";
  static constexpr std::string_view k_characters = "lower-case letters, digits and '-' only";
  static bool allows(std::string_view name) noexcept;
};
struct AzureAccountRule {
  static constexpr std::string_view k_noun = "an Azure storage account";
  static constexpr std::string_view k_characters = "lower-case letters and digits only";
  static bool allows(std::string_view name) noexcept;
};
struct AwsRegionRule {
  static constexpr std::string_view k_noun = "an AWS region";
  static constexpr std::string_view k_characters = "letters, digits and '-' only";
  static bool allows(std::string_view name) noexcept;
};

using S3Bucket = StoreName<S3BucketRule>;
using GsBucket = StoreName<GsBucketRule>;
using AzureContainer = StoreName<AzureContainerRule>;
using AzureAccountName = StoreName<AzureAccountRule>;
using AwsRegion = StoreName<AwsRegionRule>;

/// Whether it can be the first part of a host name, with Amazon's certificate. Others, which old
/// buckets have, are in the path.
bool is_host_label(const S3Bucket& bucket) noexcept;

}  // namespace rtenv::remote
