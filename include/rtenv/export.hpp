// Marks what the shared library exports; everything else in it is hidden.
#pragma once

#if __cplusplus < 202002L
#error "The headers of rtenv need C++20: compile with -std=c++20."
#endif

#define RTENV_API __attribute__((visibility("default")))
