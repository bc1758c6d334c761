/* Tests of the SDK itself: JSON, settings, random numbers, turns. The program's argument is
 * sdk/vectors.json, read through MOCKFLEET_VECTORS. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/internal.h"
#include "mockfleet_testing.h"

typedef struct {
    double number;
    int64_t whole;
    const char *mode;
    bool loud;
} settings;

static const mf_setting SETTINGS[] = {
    MF_NUMBER(settings, number, 1.5, "A \"number\".", .bounds = MF_BETWEEN(0, 10)),
    MF_INTEGER(settings, whole, 3, "A whole number.", .bounds = MF_AT_LEAST(1)),
    MF_TEXT(settings, mode, "on", "A text.", .choices = MF_LIST("on", "off")),
    MF_FLAG(settings, loud, false, "A flag."),
};

/* A device that does what its settings and commands say. */
typedef struct {
    const mf_device *device;
    const settings *settings;
    uint64_t started;
} echo;

static mf_result create(void *state, const mf_device *device, const void *given, mf_turn *turn) {
    echo *self = state;
    self->device = device;
    self->settings = given;
    return self->settings->whole == 13 ? mf_invalid(turn, "config.whole: %d is unlucky", 13) : MF_OK;
}

static mf_result start(void *state, const mf_start *start, mf_turn *turn) {
    echo *self = state;
    self->started = start->at;
    mf_next_tick(turn, MF_SECONDS(60));
    return MF_OK;
}

static mf_result tick(void *state, const mf_tick *tick, mf_turn *turn) {
    echo *self = state;
    mf_json *json = mf_send_json(turn, "out");
    mf_put_text(json, "id", self->device->id);
    mf_put_integer(json, "n", (int64_t)tick->sequence);
    mf_open_list(json, "list");
    mf_put_number(json, NULL, self->settings->number);
    mf_put_flag(json, NULL, self->settings->loud);
    mf_put_null(json, NULL);
    mf_open_object(json, NULL);
    mf_put_text(json, "mode", self->settings->mode);
    return MF_OK;
}

static mf_result handle(void *state, const mf_event *event, mf_turn *turn) {
    (void)state;
    switch (event->kind) {
    case MF_CONNECTED:
        mf_send(turn, "out", "up", 2);
        mf_content_type(turn, "text/plain");
        mf_add_property(turn, "a", "b");
        return MF_OK;
    case MF_DISCONNECTED:
        mf_status(turn, "strange");
        return MF_OK;
    case MF_RECEIVED:
        mf_send(turn, "out", "lost", 4);
        return mf_fail(turn, "no paper in tray %d", 2);
    case MF_SETTLED:
        return mf_retire(turn, "%s", "done");
    }
    return MF_OK;
}

const mf_behaviour mf_plugin = {
    .summary = "Does what it is told",
    .channels = MF_LIST("out"),
    .events = MF_LINK | MF_DOWNLINK | MF_RECEIPTS,
    .settings = SETTINGS,
    .setting_count = sizeof(SETTINGS) / sizeof(SETTINGS[0]),
    .settings_size = sizeof(settings),
    .state_size = sizeof(echo),
    .create = create,
    .start = start,
    .tick = tick,
    .handle = handle,
};

static mf_text text(const char *bytes) {
    return (mf_text){bytes, strlen(bytes)};
}

MF_TEST(json_is_closed_at_the_end_of_its_call) {
    mf_trial *device = mf_trial_new("{\"number\": 2, \"mode\": \"off\", \"loud\": true}");
    mf_trial_ticks(device, 2);
    MF_EXPECT_TEXT(mf_trial_sent(device, "out", 1),
                   "{\"id\":\"device-00000\",\"n\":1,\"list\":[2.0,true,null,{\"mode\":\"off\"}]}");
    MF_EXPECT(mf_trial_count(device, "out") == 2);
}

MF_TEST(start_moves_the_first_tick) {
    mf_trial *device = mf_trial_new("{}");
    mf_time born = mf_trial_now(device);
    MF_EXPECT(mf_trial_due(device) == born + MF_SECONDS(60));
}

MF_TEST(failed_call_sends_nothing_and_device_goes_on) {
    mf_trial *device = mf_trial_new("{}");
    mf_trial_receive(device, "in", "x");
    MF_EXPECT_TEXT(mf_trial_error(device), "no paper in tray 2");
    MF_EXPECT(mf_trial_count(device, "out") == 0);
    mf_trial_connected(device);
    MF_EXPECT_TEXT(mf_trial_error(device), NULL);
    MF_EXPECT_TEXT(mf_trial_sent(device, "out", 0), "up");
}

MF_TEST(retired_device_runs_no_tick) {
    mf_trial *device = mf_trial_new("{}");
    mf_trial_settled(device, 0, "out", MF_OUTCOME_ACKED);
    MF_EXPECT_TEXT(mf_trial_retired(device), "done");
    mf_trial_ticks(device, 3);
    MF_EXPECT(mf_trial_count(device, "out") == 0);
}

MF_TEST(settings_are_refused_with_all_problems) {
    MF_EXPECT_TEXT(mf_trial_rejected("{\"weight\": 1, \"number\": 11, \"whole\": 0, \"mode\": \"x\", \"loud\": 1}"),
                   "config.weight: there is no such setting\n"
                   "config.number: 11 is greater than the maximum of 10\n"
                   "config.whole: 0 is less than the minimum of 1\n"
                   "config.mode: it is none of the texts that are allowed\n"
                   "config.loud: true or false is wanted");
    MF_EXPECT_TEXT(mf_trial_rejected("{\"whole\": 13}"), "config.whole: 13 is unlucky");
    MF_EXPECT_TEXT(mf_trial_rejected("[]"), "the settings are no JSON object");
    MF_EXPECT_TEXT(mf_trial_rejected("{\"whole\": 1.5}"), "config.whole: a whole number is wanted");
}

MF_TEST(schema_has_defaults_bounds_and_choices) {
    mf_text schema = text(mf_trial_schema());
    double number;
    int64_t whole;
    size_t count;
    MF_EXPECT(mf_json_is_valid(schema));
    MF_EXPECT(mf_get_number(schema, "properties.number.default", &number) && number == 1.5);
    MF_EXPECT(mf_get_number(schema, "properties.number.maximum", &number) && number == 10.0);
    MF_EXPECT(mf_get_integer(schema, "properties.whole.default", &whole) && whole == 3);
    MF_EXPECT(mf_get_count(schema, "properties.mode.enum", &count) && count == 2);
}

MF_TEST(json_values_are_found_by_their_paths) {
    mf_text json = text(" {\"a\": [1, {\"b\\u0041\": -2.5e1}], \"c\": \"\\u00e9\\ud83d\\ude00\\ud83d\\n\", \"d\": false} ");
    mf_turn turn = {0};
    double number = 7;
    int64_t whole;
    bool flag = true;
    const char *word = NULL;
    MF_EXPECT(mf_get_number(json, "a.1.bA", &number) && number == -25.0);
    MF_EXPECT(mf_get_integer(json, "a.1.bA", &whole) && whole == -25);
    MF_EXPECT(mf_get_integer(json, "a.0", &whole) && whole == 1);
    MF_EXPECT(mf_get_flag(json, "d", &flag) && !flag);
    MF_EXPECT(mf_get_text(&turn, json, "c", &word));
    MF_EXPECT_TEXT(word, "é😀\xEF\xBF\xBD\n");
    MF_EXPECT(!mf_get_number(json, "a.2", &number) && !mf_get_number(json, "a.x", &number) &&
              !mf_get_number(json, "c", &number) && !mf_get_text(&turn, json, "d", &word));
    MF_EXPECT(number == -25.0);
    mf_turn_free(&turn);
}

MF_TEST(text_that_is_no_json_has_no_values) {
    const char *const broken[] = {"",      "{",      "{\"a\":}", "[1,]",  "01",   "1.",         "\"\\x\"",
                                  "nul",   "{a:1}",  "[1 2]",    "\"\n\"", "1 1", "{\"a\":1,}", "-",
                                  "\"\\u12", "\"abc", "1e",       "+1",    "0x10"};
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) MF_EXPECT(!mf_json_is_valid(text(broken[i])));
    char deep[201];
    memset(deep, '[', 100);
    memset(deep + 100, ']', 100);
    deep[200] = '\0';
    MF_EXPECT(!mf_json_is_valid(text(deep)));
}

static const char *number_as_json(double value) {
    static mf_buffer buffer;
    buffer.size = 0;
    mf_append_number(&buffer, value);
    mf_append(&buffer, "", 1);
    return buffer.bytes;
}

MF_TEST(numbers_are_written_with_their_shortest_digits) {
    MF_EXPECT_TEXT(number_as_json(21), "21.0");
    MF_EXPECT_TEXT(number_as_json(-0.5), "-0.5");
    MF_EXPECT_TEXT(number_as_json(21.05), "21.05");
    MF_EXPECT_TEXT(number_as_json(0.1 + 0.2), "0.30000000000000004");
    MF_EXPECT_TEXT(number_as_json(1e300), "1e+300");
    MF_EXPECT_TEXT(number_as_json(9007199254740993.0), "9007199254740992.0");
    MF_EXPECT_TEXT(number_as_json(NAN), "null");
    mf_rng rng = mf_rng_new(5);
    for (int i = 0; i < 20000; i++) {
        double value = i % 2 ? mf_round(mf_range(&rng, -1e4, 1e4), (unsigned)(i / 2 % 10)) : mf_normal(&rng, 0, 1e9);
        MF_EXPECT(strtod(number_as_json(value), NULL) == value);
    }
}

/* sdk/vectors.json: the values that the generators of all languages return. */
static mf_text vectors(void) {
    static char content[1 << 18];
    FILE *file = fopen(getenv("MOCKFLEET_VECTORS"), "rb");
    MF_EXPECT(file != NULL);
    size_t size = fread(content, 1, sizeof(content) - 1, file);
    fclose(file);
    MF_EXPECT(size < sizeof(content) - 1);
    return (mf_text){content, size};
}

static void expect_bits(mf_text json, const char *list, mf_rng rng) {
    size_t count;
    mf_turn turn = {0};
    MF_EXPECT(mf_get_count(json, list, &count) && count > 0);
    for (size_t i = 0; i < count; i++) {
        const char *expected;
        MF_EXPECT(mf_get_text(&turn, json, mf_format(&turn, "%s.%zu", list, i), &expected));
        MF_EXPECT_TEXT(mf_format(&turn, "%016llx", (unsigned long long)mf_bits(&rng)), expected);
    }
    mf_turn_free(&turn);
}

static double value_of(mf_turn *turn, mf_text json, size_t number, const char *key, double absent) {
    double value = absent;
    mf_get_number(json, mf_format(turn, "cases.%zu.spec.%s", number, key), &value);
    return value;
}

static bool has(mf_turn *turn, mf_text json, size_t number, const char *key) {
    mf_span span;
    return mf_json_find(json, mf_format(turn, "cases.%zu.spec.%s", number, key), &span);
}

MF_TEST(random_numbers_are_those_of_the_vectors) {
    mf_text json = vectors();
    int64_t seed;
    MF_EXPECT(mf_get_integer(json, "seed", &seed));
    mf_rng rng = mf_rng_new((uint64_t)seed);
    expect_bits(json, "bits", rng);
    expect_bits(json, "stream_temperature_bits", mf_rng_stream(&rng, "temperature"));
    size_t count, checked = 0;
    MF_EXPECT(mf_get_count(json, "cases", &count));
    for (size_t i = 0; i < count; i++) {
        mf_turn turn = {0};
        const char *kind, *name;
        MF_EXPECT(mf_get_text(&turn, json, mf_format(&turn, "cases.%zu.spec.kind", i), &kind));
        MF_EXPECT(mf_get_text(&turn, json, mf_format(&turn, "cases.%zu.name", i), &name));
        bool is_walk = strcmp(kind, "walk") == 0 && has(&turn, json, i, "start") && !has(&turn, json, i, "spread") &&
                       !has(&turn, json, i, "every");
        bool is_normal = strcmp(kind, "normal") == 0 && !has(&turn, json, i, "min") && !has(&turn, json, i, "max");
        mf_bounds bounds = {.has_min = has(&turn, json, i, "min"), .has_max = has(&turn, json, i, "max")};
        bounds.min = value_of(&turn, json, i, "min", 0);
        bounds.max = value_of(&turn, json, i, "max", 0);
        mf_walk walk = {.rng = mf_rng_stream(&rng, name), .bounds = bounds};
        walk.value = value_of(&turn, json, i, "start", 0);
        walk.step = value_of(&turn, json, i, "step", 1);
        walk.mean = value_of(&turn, json, i, "mean", 0);
        walk.pull = has(&turn, json, i, "mean") ? value_of(&turn, json, i, "pull", 0.1) : 0;
        mf_rng normal = mf_rng_stream(&rng, name);
        double decimals = value_of(&turn, json, i, "decimals", -1);
        size_t values;
        MF_EXPECT(mf_get_count(json, mf_format(&turn, "cases.%zu.values", i), &values));
        for (size_t j = 0; (is_walk || is_normal) && j < values; j++, checked++) {
            double expected, found;
            MF_EXPECT(mf_get_number(json, mf_format(&turn, "cases.%zu.values.%zu", i, j), &expected));
            found = is_walk ? mf_walk_next(&walk) : mf_normal(&normal, value_of(&turn, json, i, "mean", 0),
                                                              value_of(&turn, json, i, "deviation", 1));
            if (decimals >= 0) found = mf_round(found, (unsigned)decimals);
            MF_EXPECT_TEXT(mf_format(&turn, "%s %.17g", name, found), mf_format(&turn, "%s %.17g", name, expected));
        }
        mf_turn_free(&turn);
    }
    MF_EXPECT(checked >= 24);
}
