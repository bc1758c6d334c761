/* Parts that trials and the test program share. */
#ifndef MOCKFLEET_TESTING_PARTS_H
#define MOCKFLEET_TESTING_PARTS_H

/* Ends the test that runs: it has failed. */
_Noreturn void mf_test_end(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Frees the trials of a test. */
void mf_trials_free(void);

#endif
