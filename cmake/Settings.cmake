# Warnings, sanitizers and coverage as targets to link, never as global flags.
add_library(rtenv_settings INTERFACE)
target_compile_features(rtenv_settings INTERFACE cxx_std_20)
target_compile_options(rtenv_settings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor
  -Woverloaded-virtual -Wcast-align -Wformat=2
  # Fields that a designated initializer leaves out have their defaults; that is the point of them.
  -Wno-missing-field-initializers
  # GCC 12 reports these falsely through std::string and std::optional at -O2 and above.
  -Wno-restrict -Wno-maybe-uninitialized
  $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds>)
if(RTENV_WERROR)
  target_compile_options(rtenv_settings INTERFACE -Werror)
endif()
if(RTENV_SANITIZE)  # the sanitizers' own libraries want the shared libstdc++
  target_compile_options(rtenv_settings INTERFACE -fsanitize=${RTENV_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(rtenv_settings INTERFACE -fsanitize=${RTENV_SANITIZE})
else()
  target_link_options(rtenv_settings INTERFACE -static-libstdc++ -static-libgcc)
endif()
if(RTENV_COVERAGE)
  target_compile_options(rtenv_settings INTERFACE --coverage)
  target_link_options(rtenv_settings INTERFACE --coverage)
endif()
