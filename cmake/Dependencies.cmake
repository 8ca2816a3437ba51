# All dependencies are system packages; scripts/deps installs them. Layers link what they use.
#
# Each shared library adds 0.1 ms to the start of the tool, and so to every command. Therefore
# libraries that Debian also ships as archives are linked statically, fmt is compiled from its
# headers (base/fmt_library.cpp), and libcurl, libarchive and libgit2,
# which have many dependencies, are loaded when they are needed (base/dynamic_library.hpp).
find_package(Threads REQUIRED)
find_package(fmt 9 REQUIRED)
find_package(CURL 7.88 REQUIRED)
find_package(LibArchive 3.6 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(CLI11 2.1 REQUIRED)

add_library(rtenv_fmt INTERFACE)  # the headers of fmt; base/fmt_library.cpp compiles the rest
target_include_directories(rtenv_fmt SYSTEM INTERFACE $<TARGET_PROPERTY:fmt::fmt,INTERFACE_INCLUDE_DIRECTORIES>)

set(OPENSSL_USE_STATIC_LIBS ON)
find_package(OpenSSL 3 REQUIRED COMPONENTS Crypto SSL)
find_package(Boost 1.81 REQUIRED)  # headers of Asio and Beast
block()
  set(CMAKE_FIND_LIBRARY_SUFFIXES .a .so)
  find_package(ZLIB REQUIRED)
  find_package(SQLite3 3.40 REQUIRED)
  find_library(RTENV_YAML_LIBRARY yaml-cpp REQUIRED)
  find_library(RTENV_DEFLATE_LIBRARY deflate REQUIRED)
  find_library(RTENV_PUGIXML_LIBRARY pugixml REQUIRED)
  find_library(RTENV_ZSTD_LIBRARY zstd REQUIRED)
endblock()

find_package(PkgConfig REQUIRED)
pkg_check_modules(GIT2 REQUIRED libgit2>=1.5)
# rtenv_soname(VARIABLE LIBRARY): the name under which programs that were built here load the library. Another version may
# have other functions and structs.
function(rtenv_soname variable library)
  execute_process(COMMAND ${CMAKE_READELF} -d ${library} OUTPUT_VARIABLE dynamic COMMAND_ERROR_IS_FATAL ANY)
  if(NOT dynamic MATCHES "SONAME[^[]*\\[([^]]+)\\]")
    message(FATAL_ERROR "${library} has no SONAME: it isn't a shared library")
  endif()
  set(${variable} ${CMAKE_MATCH_1} PARENT_SCOPE)
endfunction()
rtenv_soname(RTENV_CURL_SONAME ${CURL_LIBRARIES})
rtenv_soname(RTENV_ARCHIVE_SONAME ${LibArchive_LIBRARIES})
rtenv_soname(RTENV_GIT2_SONAME ${GIT2_LINK_LIBRARIES})

pkg_check_modules(ISAL REQUIRED IMPORTED_TARGET libisal>=2.30)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash>=0.8.1)  # shared: the archive has no run-time dispatch
pkg_check_modules(YAML REQUIRED yaml-cpp>=0.7)

if(RTENV_TESTS)
  find_package(GTest 1.12 REQUIRED)
  include(GoogleTest)
endif()
