// Finds a file in a Python package index by the index's "simple" pages (PEP 503).
#pragma once

#include <string>
#include <string_view>

#include "base/environment.hpp"
#include "remote/http.hpp"

namespace rtenv::remote {

/// The first that is set of UV_DEFAULT_INDEX, UV_INDEX_URL and PIP_INDEX_URL, else PyPI.
std::string package_index_url(const Environment& environment);

/// The URL of the file, from the project's page. Fails: not_found (no such project or file),
/// unavailable (a malformed link), and as fail_status and HttpClient::send.
Result<std::string> find_package_file(std::string_view index_url, std::string_view project,
                                      std::string_view file_name, HttpClient& client);

}  // namespace rtenv::remote
