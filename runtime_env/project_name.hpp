// The project that a requirement names, for comparing requirements.
#pragma once

#include <string>
#include <string_view>

namespace rtenv::runtime_env {

/// In lower case, with one '-' for each run of '-', '_' and '.' (PEP 503).
std::string normalized_name(std::string_view name);

/// Of "Foo.Bar[x]>=1 ; marker", "foo-bar @ https://…" or a wheel's "foo_bar-1.0-py3-none-any.whl
/// sha256:…": "foo-bar", as PEP 503 normalizes it. Of anything else, such as an option or a URL:
/// what it begins with.
std::string project_name(std::string_view requirement);

}  // namespace rtenv::runtime_env
