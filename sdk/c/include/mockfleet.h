/* Write virtual IoT devices for mockfleet in C.
 *
 * A device is a struct of its state and a few functions. `mf_plugin`, which your file defines,
 * names them. README.md explains the parts.
 *
 * Memory: what the SDK gives to a call is valid until that call returns, if nothing else is said.
 * What you give to it is copied. There is nothing to free. */
#ifndef MOCKFLEET_H
#define MOCKFLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A time in microseconds since 1970 on the run's clock, or a duration in microseconds. */
typedef uint64_t mf_time;

#define MF_SECONDS(count) ((mf_time)(count) * 1000000u)

/* Bytes with their number. A zero follows them, which is not counted. */
typedef struct {
    const char *bytes;
    size_t size;
} mf_text;

/* The identity of a device, valid as long as the device. */
typedef struct {
    const char *id, *group;
    uint32_t index;
    uint64_t seed;
    mf_time born;
} mf_device;

/* The call of a device that is switched on. `first_tick` is the time of the first tick on
 * schedule, and 0 if there is none. */
typedef struct {
    mf_time at, first_tick;
} mf_start;

/* A call on schedule. `sequence` is the number of ticks before it. */
typedef struct {
    mf_time at;
    uint64_t sequence;
} mf_tick;

typedef struct {
    const char *name, *value;
} mf_property;

/* A received message. `content_type` may be NULL. */
typedef struct {
    const char *channel;
    mf_text payload;
    const char *content_type;
    const mf_property *properties;
    size_t property_count;
} mf_message;

typedef enum { MF_OUTCOME_ACKED, MF_OUTCOME_SENT, MF_OUTCOME_FAILED, MF_OUTCOME_DROPPED } mf_outcome;

/* The outcome of a message of this device. `sequence` is its place among them. `detail` may be
 * NULL; `latency` is 0 if there was no confirmation. */
typedef struct {
    uint64_t sequence;
    const char *channel;
    mf_outcome outcome;
    mf_time latency;
    const char *detail;
} mf_receipt;

typedef enum { MF_CONNECTED, MF_DISCONNECTED, MF_RECEIVED, MF_SETTLED } mf_event_kind;

/* An event between ticks: `reason` belongs to MF_DISCONNECTED, `message` to MF_RECEIVED, and
 * `receipt` to MF_SETTLED. */
typedef struct {
    mf_event_kind kind;
    mf_time at;
    const char *reason;
    mf_message message;
    mf_receipt receipt;
} mf_event;

/* The turn of a call: messages, status, next tick, connection. */
typedef struct mf_turn mf_turn;

/* A JSON object that is written. */
typedef struct mf_json mf_json;

/* The result of a call: MF_OK, or that of `mf_fail`, `mf_retire` or `mf_invalid`. */
typedef enum { MF_OK, MF_FAILED, MF_RETIRED, MF_INVALID } mf_result;

/* The turn. Texts are copied. */

/* Sends a message. The functions below it complete the message that was sent last. */
void mf_send(mf_turn *turn, const char *channel, const void *payload, size_t size);
void mf_content_type(mf_turn *turn, const char *type);
void mf_add_property(mf_turn *turn, const char *name, const char *value);
/* Sends a JSON object, which is written with the `mf_put_` functions. */
mf_json *mf_send_json(mf_turn *turn, const char *channel);
/* The status of the device. One that has not changed is not reported again. */
void mf_status(mf_turn *turn, const char *status);
/* The time from the `at` of this call to the next tick. */
void mf_next_tick(mf_turn *turn, mf_time after);
void mf_reconnect(mf_turn *turn);
/* Loses the connection without a goodbye, for a time. */
void mf_vanish(mf_turn *turn, mf_time length);

/* `return mf_fail(turn, "no paper in %s", tray);` ends a call without its messages. The device
 * goes on after `mf_fail`, and is done for good after `mf_retire`. `mf_invalid` is for `create`:
 * the settings cannot work. A key before the text, as in "config.route.2.lat: ...", shows its
 * line of the fleet file. */
mf_result mf_fail(mf_turn *turn, const char *format, ...) __attribute__((format(printf, 2, 3)));
mf_result mf_retire(mf_turn *turn, const char *format, ...) __attribute__((format(printf, 2, 3)));
mf_result mf_invalid(mf_turn *turn, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Memory of a call. */
void *mf_alloc(mf_turn *turn, size_t size);
char *mf_format(mf_turn *turn, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writing JSON. `key` is NULL in a list. */
void mf_put_number(mf_json *json, const char *key, double value);
void mf_put_integer(mf_json *json, const char *key, int64_t value);
void mf_put_text(mf_json *json, const char *key, const char *value);
void mf_put_flag(mf_json *json, const char *key, bool value);
void mf_put_null(mf_json *json, const char *key);
void mf_open_object(mf_json *json, const char *key);
void mf_open_list(mf_json *json, const char *key);
/* Closes the object or list that was opened last. */
void mf_close(mf_json *json);

/* Reading JSON. A path has keys and places with dots between them, such as "route.2.lat". Each
 * function returns whether there is such a value. */
bool mf_get_number(mf_text json, const char *path, double *value);
bool mf_get_integer(mf_text json, const char *path, int64_t *value);
bool mf_get_flag(mf_text json, const char *path, bool *value);
bool mf_get_text(mf_turn *turn, mf_text json, const char *path, const char **value);
/* The number of entries of the list, or of members of the object. */
bool mf_get_count(mf_text json, const char *path, size_t *count);

/* Randomness: the same for the same seed, and as in the other SDKs. */

typedef struct {
    uint64_t state;
} mf_rng;

/* The random numbers of a device for one purpose: each name has its own. */
mf_rng mf_random(const mf_device *device, const char *name);
mf_rng mf_rng_new(uint64_t seed);
mf_rng mf_rng_stream(const mf_rng *rng, const char *name);
uint64_t mf_bits(mf_rng *rng);
/* From 0 (included) to 1 (excluded). */
double mf_unit(mf_rng *rng);
double mf_range(mf_rng *rng, double low, double high);
/* A whole number from 0 (included) to `end` (excluded). */
uint64_t mf_below(mf_rng *rng, uint64_t end);
bool mf_chance(mf_rng *rng, double probability);
double mf_normal(mf_rng *rng, double mean, double deviation);
/* Rounds a number to 0 to 15 decimals, halves away from zero. */
double mf_round(double value, unsigned decimals);

/* Bounds of a number. Without a macro it has none. */
typedef struct {
    bool has_min, has_max;
    double min, max;
} mf_bounds;

#define MF_AT_LEAST(low) { .has_min = true, .min = (low) }
#define MF_AT_MOST(high) { .has_max = true, .max = (high) }
#define MF_BETWEEN(low, high) { .has_min = true, .has_max = true, .min = (low), .max = (high) }

/* A random walk: each value is the one before plus a normal step, pulled to a mean by `pull`, 0
 * to 1, and reflected at its bounds. The first value is `value`. */
typedef struct {
    mf_rng rng;
    double value, step, mean, pull;
    mf_bounds bounds;
    bool begun;
} mf_walk;

double mf_walk_next(mf_walk *walk);

/* The group in the fleet file. */

/* The size of a data file; false if there is none of this name. */
bool mf_data_size(const char *name, uint64_t *size);
/* Up to `length` bytes of a data file, at most 1 MiB: fewer at its end. */
bool mf_data_read(mf_turn *turn, const char *name, uint64_t offset, uint32_t length, mf_text *bytes);
/* The time from tick to tick; false if ticks follow one another as fast as they can. */
bool mf_interval(mf_time *interval);

/* The plugin. */

typedef enum { MF_KIND_NUMBER, MF_KIND_INTEGER, MF_KIND_TEXT, MF_KIND_FLAG } mf_setting_kind;

/* A setting: a member of the struct of the settings. The macros below make it. */
typedef struct {
    const char *name;
    const char *description;
    size_t offset;
    mf_setting_kind kind;
    double number;
    int64_t integer;
    const char *text;
    bool flag;
    /* Of numbers and integers. */
    mf_bounds bounds;
    /* Of texts: all that are allowed, with NULL at the end. */
    const char *const *choices;
    /* There is no default, and the fleet file has to give a value. */
    bool required;
} mf_setting;

#define MF_SETTING(type, member, what, ...) \
    { .name = #member, .description = (what), .offset = offsetof(type, member), __VA_ARGS__ }
/* Settings of a struct's members of the types double, int64_t, const char * and bool:
 *
 *     MF_NUMBER(settings, base, 21.0, "The first temperature.", .bounds = MF_AT_LEAST(-40)) */
#define MF_NUMBER(type, member, value, what, ...) \
    MF_SETTING(type, member, what, .kind = MF_KIND_NUMBER, .number = (value), __VA_ARGS__)
#define MF_INTEGER(type, member, value, what, ...) \
    MF_SETTING(type, member, what, .kind = MF_KIND_INTEGER, .integer = (value), __VA_ARGS__)
#define MF_TEXT(type, member, value, what, ...) \
    MF_SETTING(type, member, what, .kind = MF_KIND_TEXT, .text = (value), __VA_ARGS__)
#define MF_FLAG(type, member, value, what, ...) \
    MF_SETTING(type, member, what, .kind = MF_KIND_FLAG, .flag = (value), __VA_ARGS__)

/* A list of texts with NULL at its end. */
#define MF_LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The events that a device wants. */
enum { MF_LINK = 1, MF_DOWNLINK = 2, MF_RECEIPTS = 4 };

/* A behaviour. Its functions get the state of the device, `state_size` bytes that are zero before
 * `create`. All state is there, and none in globals: thousands of devices share them. Only
 * `create` and `tick` are needed. */
typedef struct {
    const char *summary;
    const char *const *channels;
    const char *const *statuses;
    unsigned events;
    const mf_setting *settings;
    size_t setting_count;
    size_t settings_size;
    size_t state_size;
    /* `device` and `settings` are valid as long as the device. */
    mf_result (*create)(void *state, const mf_device *device, const void *settings, mf_turn *turn);
    mf_result (*start)(void *state, const mf_start *start, mf_turn *turn);
    mf_result (*tick)(void *state, const mf_tick *tick, mf_turn *turn);
    mf_result (*handle)(void *state, const mf_event *event, mf_turn *turn);
    /* Frees what the state has allocated with `malloc`. */
    void (*drop)(void *state);
} mf_behaviour;

extern const mf_behaviour mf_plugin;

#endif
