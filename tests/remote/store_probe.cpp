// A program for the store tests: operations that the tool has no command for.
// usage: store_probe list|remove URI      list: a line "SIZE URI" for each object
#include <cstdio>
#include <string_view>

#include "base/environment.hpp"
#include "remote/object_store.hpp"

namespace {

using namespace rtenv;

Result<void> run(std::string_view operation, std::string_view text) {
  RTENV_TRY(const auto uri, remote::Uri::parse(text));
  RTENV_TRY(const auto store, remote::open_store(uri, {.environment = Environment::of_process()}));
  if (operation == "remove") return store->remove(uri);
  RTENV_TRY(const auto objects, remote::list_all(*store, uri));
  for (const auto& object : objects)
    std::printf("%llu %s\n", static_cast<unsigned long long>(object.size_bytes),
                object.uri.text().c_str());
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto done = run(argv[1], argv[2]);
  if (done) return 0;
  std::fprintf(stderr, "rtenv: error: %s\n", done.error().message().c_str());
  return exit_status(done.error().code());
}
