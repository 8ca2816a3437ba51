#include "cli/input_kind.hpp"

#include <algorithm>
#include <array>

namespace rtenv::cli {
namespace {

struct Words {
  std::string_view one;
  std::string_view many;
};

// In the order of InputKind.
constexpr std::array<Words, 15> k_words{{{"a directory", "directories"},
                                         {"a commit (--git)", "commits (--git)"},
                                         {"a file", "files"},
                                         {"standard input", "standard input"},
                                         {"an archive of an environment", "archives"},
                                         {"a prefix", "prefixes"},
                                         {"an s3:// URI", "s3://"},
                                         {"a gs:// URI", "gs://"},
                                         {"an azure:// URI", "azure://"},
                                         {"an abfss:// URI", "abfss://"},
                                         {"an http:// URI", "http://"},
                                         {"an https:// URI", "https://"},
                                         {"a file:// URI", "file://"},
                                         {"a local:// URI", "local://"},
                                         {"a gcs:// URI", "gcs://"}}};

const Words& words(InputKind kind) { return k_words[static_cast<std::size_t>(kind)]; }

// "a, b and c"
std::string list_of(const std::vector<InputKind>& kinds) {
  std::string text;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if (i > 0) text += i + 1 == kinds.size() ? " and " : ", ";
    text += words(kinds[i]).many;
  }
  return text;
}

}  // namespace

InputKind kind_of(const remote::Uri& uri) {
  switch (uri.scheme) {
    case remote::Scheme::s3: return InputKind::s3_uri;
    case remote::Scheme::gs: return InputKind::gs_uri;
    case remote::Scheme::azure: return InputKind::azure_uri;
    case remote::Scheme::abfss: return InputKind::abfss_uri;
    case remote::Scheme::http: return InputKind::http_uri;
    case remote::Scheme::https: return InputKind::https_uri;
    case remote::Scheme::local: return InputKind::local_uri;
    case remote::Scheme::gcs: return InputKind::gcs_uri;
    case remote::Scheme::file: break;
  }
  return InputKind::file_uri;
}

void LimitedOptions::add(const Option& option, std::vector<InputKind> kinds) {
  options_.push_back({option, std::move(kinds)});
}

Result<void> LimitedOptions::check(InputKind kind, std::string_view input) const {
  for (const Limited& each : options_) {
    if (!each.option.is_given() || std::ranges::find(each.kinds, kind) != each.kinds.end())
      continue;
    const std::string_view what = words(kind).one;
    return fail(Errc::invalid_argument, "{} applies to {}; {}", each.option.name(),
                list_of(each.kinds),
                kind == InputKind::standard_input ? fmt::format("the input is {}", what)
                                                  : fmt::format("{} is {}", input, what))
        .hint("leave the option out");
  }
  return {};
}

}  // namespace rtenv::cli
