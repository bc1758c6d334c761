/* Runs one device natively, on a clock of its own, to test it without WebAssembly.
 *
 *     MF_TEST(door_that_always_moves_is_open_every_other_time) {
 *         mf_trial *door = mf_trial_new("{\"move-chance\": 1.0}");
 *         mf_trial_ticks(door, 1);
 *         MF_EXPECT_TEXT(mf_trial_sent(door, "door", 0), "{\"open\":true}");
 *     }
 *
 * A trial is stricter than the host: a test ends when a device uses a channel, a status or an event
 * that its behaviour does not name. The trials of a test are freed at its end. */
#ifndef MOCKFLEET_TESTING_H
#define MOCKFLEET_TESTING_H

#include "mockfleet.h"

/* A device, switched on at 2026-01-01T00:00:00Z, with a tick each second from then on. */
typedef struct mf_trial mf_trial;

/* Switches a device on, with settings as a JSON object. Settings that it rejects end the test. */
mf_trial *mf_trial_new(const char *settings);
/* Switches one on with another identity; `device->id` and `device->group` may be NULL. */
mf_trial *mf_trial_new_as(const mf_device *device, const char *settings);
/* The text of the error with which settings are rejected. Settings that are not end the test. */
const char *mf_trial_rejected(const char *settings);

/* Runs this many ticks; fewer when the device retires. */
void mf_trial_ticks(mf_trial *trial, size_t count);
/* Delivers events, now. */
void mf_trial_receive(mf_trial *trial, const char *channel, const char *payload);
void mf_trial_connected(mf_trial *trial);
void mf_trial_disconnected(mf_trial *trial, const char *reason);
void mf_trial_settled(mf_trial *trial, uint64_t sequence, const char *channel, mf_outcome outcome);

/* The number of messages that the device has sent on a channel. */
size_t mf_trial_count(const mf_trial *trial, const char *channel);
/* The payload of a message on a channel, counted from 0; NULL if there are fewer. */
const char *mf_trial_sent(const mf_trial *trial, const char *channel, size_t number);
/* The last reported status; NULL if there is none. */
const char *mf_trial_status(const mf_trial *trial);
/* The error of the last call; NULL if it succeeded. */
const char *mf_trial_error(const mf_trial *trial);
/* Why the device retired; NULL if it has not. */
const char *mf_trial_retired(const mf_trial *trial);
/* The time on the device's clock, and the due time of its next tick. */
mf_time mf_trial_now(const mf_trial *trial);
mf_time mf_trial_due(const mf_trial *trial);

/* The JSON Schema of the settings, as the host gets it. */
const char *mf_trial_schema(void);
/* Adds a data file for the devices of this test. */
void mf_trial_data(const char *name, const char *content, size_t size);

/* Defines a test. The program runs all tests, in the order of their definition. */
#define MF_TEST(name)                                                                    \
    static void name(void);                                                              \
    __attribute__((constructor)) static void name##_added(void) { mf_test_add(#name, name); } \
    static void name(void)

#define MF_EXPECT(condition) mf_expect((condition), #condition, __FILE__, __LINE__)
#define MF_EXPECT_TEXT(found, expected) mf_expect_text((found), (expected), #found, __FILE__, __LINE__)

void mf_test_add(const char *name, void (*run)(void));
void mf_expect(bool holds, const char *condition, const char *file, int line);
void mf_expect_text(const char *found, const char *expected, const char *what, const char *file, int line);

#endif
