#include "base/exceptions.hpp"

#include <boost/system/system_error.hpp>
#include <filesystem>
#include <new>
#include <system_error>

namespace rtenv {

Error error_of_current_exception() {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return {Errc::unavailable, "out of memory"};  // short enough to need no memory
  } catch (const std::filesystem::filesystem_error& error) {
    return system_error(error.code().value(), "access",
                        error.path1().empty() ? "the current folder" : error.path1().native());
  } catch (const std::system_error& error) {
    return system_error(error.code().value(), "get", "a resource of the system");
  } catch (const boost::system::system_error& error) {  // Asio's, which isn't std::system_error
    const auto& code = error.code();
    if (code.category() == boost::system::system_category())
      return system_error(code.value(), "get", "a resource of the system");
    return {Errc::internal, fmt::format("unexpected: {}", error.what())};
  } catch (const std::exception& error) {
    return {Errc::internal, fmt::format("unexpected: {}", error.what())};
  } catch (...) {
    return {Errc::internal, "unexpected"};
  }
}

}  // namespace rtenv
