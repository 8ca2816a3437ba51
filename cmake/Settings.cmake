# Warnings, sanitizers and coverage: a target to link, not global flags. The options for linking
# are those of this project's programs, and not of programs that link its libraries.
add_library(rtenv_settings INTERFACE)
target_compile_features(rtenv_settings INTERFACE cxx_std_20)
target_compile_options(rtenv_settings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor
  -Woverloaded-virtual -Wcast-align -Wformat=2
  # Designated initializers leave out fields on purpose.
  -Wno-missing-field-initializers
  # False positives of GCC 12 at -O2 and above, in std::string and std::optional.
  -Wno-restrict -Wno-maybe-uninitialized
  $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds>)
if(RTENV_WERROR)
  target_compile_options(rtenv_settings INTERFACE -Werror)
endif()
if(RTENV_SANITIZE)  # the sanitizers need the shared libstdc++
  target_compile_options(rtenv_settings INTERFACE -fsanitize=${RTENV_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${RTENV_SANITIZE})
  if(RTENV_SANITIZE STREQUAL "thread")
    # Asio uses atomic_thread_fence, which GCC's ThreadSanitizer doesn't follow.
    target_compile_options(rtenv_settings INTERFACE -Wno-tsan)
  endif()
else()
  add_link_options("$<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-static-libstdc++;-static-libgcc>")
endif()
if(RTENV_COVERAGE)
  target_compile_options(rtenv_settings INTERFACE --coverage)
  add_link_options(--coverage)
endif()
