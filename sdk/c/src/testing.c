/* Runs the tests of a program. */

#include "mockfleet_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testing.h"

typedef struct {
    const char *name;
    void (*run)(void);
} test;

static test *tests;
static size_t test_count;
static jmp_buf after_test;

void mf_test_add(const char *name, void (*run)(void)) {
    tests = realloc(tests, (test_count + 1) * sizeof(test));
    if (tests == NULL) abort();
    tests[test_count++] = (test){name, run};
}

void mf_test_end(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    longjmp(after_test, 1);
}

void mf_expect(bool holds, const char *condition, const char *file, int line) {
    if (!holds) mf_test_end("%s:%d: %s does not hold", file, line, condition);
}

void mf_expect_text(const char *found, const char *expected, const char *what, const char *file, int line) {
    if (found == expected || (found != NULL && expected != NULL && strcmp(found, expected) == 0)) return;
    mf_test_end("%s:%d: %s\n  is       %s\n  and not  %s", file, line, what, found == NULL ? "NULL" : found,
                expected == NULL ? "NULL" : expected);
}

int main(void) {
    // A variable that is changed between setjmp and longjmp has to be volatile, or static.
    static size_t number, failed;
    for (number = 0; number < test_count; number++) {
        if (setjmp(after_test) == 0) {
            tests[number].run();
        } else {
            printf("%s: failed\n", tests[number].name);
            failed++;
        }
        mf_trials_free();
    }
    printf("%zu passed, %zu failed\n", test_count - failed, failed);
    return failed == 0 && test_count > 0 ? 0 : 1;
}
