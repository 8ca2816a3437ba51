// For tests: servers in this process, and requests to them by plain HTTP.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <nlohmann/json.hpp>
#include <string>

#include "base/json_text.hpp"
#include "base/temp_dir.hpp"
#include "cache/cache.hpp"
#include "server/server.hpp"
#include "support/eventually.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::server {

inline ServerOptions options_in(const Path& folder) {
  ServerOptions options{.listen = {.port = 0}, .rtenv_version = "0", .ray_version = "2.60.0"};
  options.manager.state_dir = folder / "state";
  options.manager.supervisor_program = "/proc/self/exe";
  options.manager.environment = Environment::of_process();
  options.manager.environment.set("RTENV_CACHE_DIR", (folder / "cache").native());
  options.manager.node.cpus = 4;
  options.open_cache = [folder] { return cache::Cache::open(folder / "cache"); };
  return options;
}

/// A connection to a server at http://127.0.0.1:PORT.
inline Fd connect_to_server(const Server& server) {
  const std::string& address = server.address();
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in end{};
  end.sin_family = AF_INET;
  end.sin_port =
      htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  end.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&end), sizeof end) != 0) fd.reset();
  return fd;
}

struct Answer {
  int status = 0;  // 0: there is none
  std::string body;
  [[nodiscard]] nlohmann::json json() const { return json_from_text(body); }
};

inline Answer ask(const Server& server, const std::string& method, const std::string& path,
                  const std::string& body = {}, const std::string& headers = {}) {
  const Fd fd = connect_to_server(server);
  if (!fd) return {};
  const std::string request = fmt::format(
      "{} {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{}Content-Length: {}\r\n\r\n{}",
      method, path, headers, body.size(), body);
  if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return {};
  const auto text = read_to_end(fd, "the response");
  if (!text || text->size() < 12) return {};
  const auto end = text->find("\r\n\r\n");
  return {.status = std::stoi(text->substr(9, 3)),
          .body = end == std::string::npos ? "" : text->substr(end + 4)};
}

}  // namespace rtenv::server
