#include "remote/host_lookup.hpp"

#include <netdb.h>

#include <chrono>
#include <future>
#include <thread>

namespace rtenv::remote {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds k_longest_lookup{2000};
constexpr milliseconds k_step{20};

int lookup_error(const std::string& host) {
  addrinfo* addresses = nullptr;
  const addrinfo hints{.ai_flags = 0,
                       .ai_family = AF_UNSPEC,
                       .ai_socktype = SOCK_STREAM,
                       .ai_protocol = 0,
                       .ai_addrlen = 0,
                       .ai_addr = nullptr,
                       .ai_canonname = nullptr,
                       .ai_next = nullptr};
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &addresses);
  if (error == 0) ::freeaddrinfo(addresses);
  return error;
}

}  // namespace

bool is_unknown_host(int lookup_error) noexcept {
  return lookup_error == EAI_NONAME || lookup_error == EAI_NODATA || lookup_error == EAI_FAIL ||
         lookup_error == EAI_ADDRFAMILY;
}

bool host_is_unknown(const std::string& host, const Cancellation* cancellation) {
  std::promise<int> promise;
  auto error = promise.get_future();
  // A lookup can't be interrupted; the thread ends with it.
  std::thread([host, promise = std::move(promise)]() mutable {
    promise.set_value(lookup_error(host));
  }).detach();
  for (milliseconds waited{0}; waited < k_longest_lookup; waited += k_step) {
    if (error.wait_for(k_step) == std::future_status::ready) return is_unknown_host(error.get());
    if (cancellation != nullptr && cancellation->requested()) return false;
  }
  return false;
}

}  // namespace rtenv::remote
