# rtenv_precompile(TARGET SET): precompiles a set of headers that most files include, to save build
# time.
#
# The first target of a set builds it, and the others reuse it. Sets: code, test (with GoogleTest),
# network (with Asio and Beast). Each file must still include what it uses; a
# build with -DRTENV_PRECOMPILE=OFF verifies that.
option(RTENV_PRECOMPILE "Precompile common headers" ON)

set(rtenv_headers_code
  <algorithm> <array> <atomic> <charconv> <chrono> <condition_variable> <cstdint> <cstring> <filesystem> <functional>
  <map> <memory> <mutex> <optional> <set> <span> <string> <string_view> <thread> <unordered_map> <utility> <variant>
  <vector> <fmt/format.h> <nlohmann/json.hpp>)
set(rtenv_headers_test ${rtenv_headers_code} <gmock/gmock.h>)
set(rtenv_headers_network ${rtenv_headers_code} <boost/asio.hpp> <boost/asio/ssl.hpp> <boost/beast.hpp>)

function(rtenv_precompile target set)
  if(NOT RTENV_PRECOMPILE)
    return()
  endif()
  get_property(owner GLOBAL PROPERTY rtenv_precompiled_${set})
  if(owner)
    target_precompile_headers(${target} REUSE_FROM ${owner})
  else()
    target_precompile_headers(${target} PRIVATE ${rtenv_headers_${set}})
    set_property(GLOBAL PROPERTY rtenv_precompiled_${set} ${target})
  endif()
endfunction()
