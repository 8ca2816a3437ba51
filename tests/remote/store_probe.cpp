// A program for the store tests: removes an object, for which the tool has no command.
// usage: store_probe URI
#include <cstdio>

#include "base/environment.hpp"
#include "remote/object_store.hpp"

namespace {

using namespace rtenv;

Result<void> remove_object(std::string_view text) {
  RTENV_TRY(const auto uri, remote::Uri::parse(text));
  RTENV_TRY(const auto store, remote::open_store(uri, {.environment = Environment::of_process()}));
  return store->remove(uri);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto done = remove_object(argv[1]);
  if (done) return 0;
  std::fprintf(stderr, "rtenv: error: %s\n", done.error().message().c_str());
  return exit_status(done.error().code());
}
