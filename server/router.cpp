#include "server/router.hpp"

#include <algorithm>

#include "base/encoding.hpp"

namespace rtenv::server {
namespace {

// Takes the part up to the next '/' off the text, and the '/'.
std::string_view take_part(std::string_view& text) {
  const auto end = std::min(text.find('/'), text.size());
  const auto part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

bool is_parameter(std::string_view part) { return part.starts_with('{') && part.ends_with('}'); }

bool adds_slash(std::string_view pattern, std::string_view path) {
  return pattern.size() == path.size() + 1 && pattern.starts_with(path) && pattern.ends_with('/');
}

bool serves(const Route& route, const Request& request) {
  return route.method == request.method || (route.method == "GET" && request.method == "HEAD");
}

}  // namespace

std::optional<PathParameters> match(std::string_view pattern, std::string_view path) {
  if (std::ranges::count(pattern, '/') != std::ranges::count(path, '/')) return std::nullopt;
  PathParameters parameters;
  while (!pattern.empty() || !path.empty()) {
    const auto expected = take_part(pattern);
    const auto part = take_part(path);
    if (is_parameter(expected) && !part.empty())
      parameters.push_back(percent_decode(part));
    else if (expected != part)
      return std::nullopt;
  }
  return parameters;
}

Found find_route(std::span<const Route> routes, const Request& request) {
  Found found;
  std::string_view resource;  // the first pattern that matches: `Allow` is about this one
  for (const Route& route : routes) {
    if (adds_slash(route.pattern, request.path)) found.redirect = route.pattern;
    if (!route.query_parameter.empty() &&
        !request.query.contains(std::string(route.query_parameter)))
      continue;
    auto parameters = match(route.pattern, request.path);
    if (!parameters) continue;
    if (serves(route, request)) return {.route = &route, .parameters = std::move(*parameters)};
    if (resource.empty()) resource = route.pattern;
    if (route.pattern == resource) {
      if (!found.allowed_methods.empty()) found.allowed_methods += ", ";
      found.allowed_methods += route.method;
    }
    if (!route.query_parameter.empty()) break;
  }
  return found;
}

}  // namespace rtenv::server
