// Marks what the shared library exports; everything else in it is hidden.
#pragma once

#define RTENV_API __attribute__((visibility("default")))
