// The table of routes, and the search for the handler of a request. Thread-safe: no state.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/http.hpp"

namespace rtenv::server {

class Api;

/// The parts of a path that stand for the {names} of a pattern, in their order.
using PathParameters = std::vector<std::string>;

struct Route {
  std::string_view method;   // "GET" also serves HEAD
  std::string_view pattern;  // "/api/jobs/{id}": {id} is any part of the path, not empty
  boost::asio::awaitable<Response> (*handle)(Api& api, Request& request,
                                             const PathParameters& parameters);
  /// If not empty: serves only requests with this query parameter, which no later route serves.
  std::string_view query_parameter = {};
  /// The handler reads the body as it arrives, instead of getting it with the request.
  bool streams_body = false;
};

/// The parameters of a path that matches the pattern, percent-decoded; nullopt if it doesn't. The
/// rest of the path must match as it was sent: what a proxy in front sees is what is routed.
std::optional<PathParameters> match(std::string_view pattern, std::string_view path);

/// The outcome of a search.
struct Found {
  const Route* route = nullptr;  // null if there is none
  PathParameters parameters;
  std::string allowed_methods;  // for the Allow header: of the first pattern that matches
  std::string redirect;         // the path with a '/' at its end, if only that matches a route
};
/// The first route that serves the request.
Found find_route(std::span<const Route> routes, const Request& request);

}  // namespace rtenv::server
