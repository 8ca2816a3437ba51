# rtenv_layer(NAME [PRECOMPILED set] SOURCES … LINKS … PRIVATE_LINKS … TESTS …)
#
# Adds a layer: the library rtenv::NAME of the folder NAME, and its test NAME_test. The library's
# include root contains only this folder, so a target that doesn't link the layer can't include
# "NAME/….hpp": a dependency on an upper layer doesn't compile. tests/rules.py checks that a layer
# links exactly the layers that it includes.
function(rtenv_layer name)
  cmake_parse_arguments(LAYER "" "PRECOMPILED" "SOURCES;LINKS;PRIVATE_LINKS;TESTS" ${ARGN})
  set(include_root ${PROJECT_BINARY_DIR}/include-roots/${name})
  file(MAKE_DIRECTORY ${include_root})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${include_root}/${name} SYMBOLIC)

  add_library(rtenv_${name} STATIC ${LAYER_SOURCES})
  add_library(rtenv::${name} ALIAS rtenv_${name})
  target_include_directories(rtenv_${name} PUBLIC ${include_root})
  if(NOT LAYER_PRECOMPILED)
    set(LAYER_PRECOMPILED code)
  endif()
  rtenv_precompile(rtenv_${name} ${LAYER_PRECOMPILED})
  target_link_libraries(rtenv_${name} PUBLIC ${LAYER_LINKS} PRIVATE rtenv_settings ${LAYER_PRIVATE_LINKS})

  if(RTENV_TESTS AND LAYER_TESTS)
    add_executable(${name}_test ${LAYER_TESTS})
    target_link_libraries(${name}_test PRIVATE rtenv::${name} rtenv_settings rtenv_test_support GTest::gmock_main)
    rtenv_precompile(${name}_test test)
    gtest_discover_tests(${name}_test DISCOVERY_TIMEOUT 60 PROPERTIES LABELS unit TIMEOUT 120)
  endif()
endfunction()
