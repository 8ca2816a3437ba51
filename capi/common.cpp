#include <cstdlib>

#include "capi/call.hpp"
#include "rtenv/log.hpp"
#include "rtenv/version.hpp"

using namespace rtenv;

rtenv_status rtenv_error_status(const rtenv_error* error) {
  return error == nullptr ? RTENV_OK : static_cast<rtenv_status>(error->error.code()) + 1;
}

const char* rtenv_error_message(const rtenv_error* error) {
  return error == nullptr ? "" : error->error.message().c_str();
}

const char* rtenv_error_hint(const rtenv_error* error) {
  return error == nullptr ? "" : error->error.hint().c_str();
}

void rtenv_error_free(rtenv_error* error) { delete error; }

void rtenv_string_free(char* text) { std::free(text); }

const char* rtenv_version() { return version().data(); }

void rtenv_set_log(int32_t least, rtenv_log_fn log, void* user) {
  const auto level =
      static_cast<log::Level>(std::clamp<int32_t>(least, RTENV_LOG_DEBUG, RTENV_LOG_WARNING));
  (void)capi::run(nullptr, [&]() -> Result<void> {
    log::set_sink(
        level, log == nullptr ? log::Sink() : [log, user](log::Level of, std::string_view message) {
          log(static_cast<int32_t>(of), std::string(message).c_str(), user);
        });
    return {};
  });
}

rtenv_status rtenv_stop_new(rtenv_stop** stop, rtenv_error** error) {
  return capi::run(error, [&]() -> Result<void> {
    RTENV_TRY(capi::check_given({{"stop", stop}}));
    RTENV_TRY(auto signal, StopSignal::create());
    *stop = new rtenv_stop{std::move(signal)};
    return {};
  });
}

void rtenv_stop_request(rtenv_stop* stop) {
  if (stop != nullptr) stop->signal.request();
}

void rtenv_stop_free(rtenv_stop* stop) { delete stop; }

void rtenv_variables_set(rtenv_variables* variables, const char* name, const char* value) {
  if (variables == nullptr || name == nullptr || value == nullptr) return;
  (void)capi::run(nullptr, [&]() -> Result<void> {
    variables->variables.insert_or_assign(name, value);
    return {};
  });
}
