/* Ends a test of Zig that has failed in the code of the SDK for C. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "../c/src/testing.h"

void mf_test_end(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    abort();
}
