/* Makes the JSON Schema of the settings, and reads their values. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* The key of a member: `move_chance` is `move-chance` in the fleet file. */
static void put_key(char *key, size_t size, const char *name) {
    snprintf(key, size, "%s", name);
    for (char *at = key; *at != '\0'; at++) {
        if (*at == '_') *at = '-';
    }
}

enum { KEY_SIZE = 128 };

static const char *const TYPES[] = {"number", "integer", "string", "boolean"};
static const char *const WANTED[] = {"a number", "a whole number", "a text", "true or false"};

static void put_default(mf_json *json, const mf_setting *setting) {
    switch (setting->kind) {
    case MF_KIND_NUMBER:
        mf_put_number(json, "default", setting->number);
        break;
    case MF_KIND_INTEGER:
        mf_put_integer(json, "default", setting->integer);
        break;
    case MF_KIND_TEXT:
        if (setting->text != NULL) mf_put_text(json, "default", setting->text);
        break;
    case MF_KIND_FLAG:
        mf_put_flag(json, "default", setting->flag);
        break;
    }
}

static void put_setting(mf_json *json, const mf_setting *setting) {
    char key[KEY_SIZE];
    put_key(key, sizeof(key), setting->name);
    mf_open_object(json, key);
    mf_put_text(json, "type", TYPES[setting->kind]);
    if (setting->description != NULL) mf_put_text(json, "description", setting->description);
    if (!setting->required) put_default(json, setting);
    if (setting->bounds.has_min) mf_put_number(json, "minimum", setting->bounds.min);
    if (setting->bounds.has_max) mf_put_number(json, "maximum", setting->bounds.max);
    if (setting->choices != NULL) {
        mf_open_list(json, "enum");
        for (const char *const *choice = setting->choices; *choice != NULL; choice++) mf_put_text(json, NULL, *choice);
        mf_close(json);
    }
    mf_close(json);
}

void mf_settings_schema(const mf_behaviour *behaviour, mf_buffer *schema) {
    mf_json json = {.output = schema};
    mf_open_object(&json, NULL);
    mf_put_text(&json, "$schema", "https://json-schema.org/draft/2020-12/schema");
    mf_put_text(&json, "type", "object");
    mf_open_object(&json, "properties");
    for (size_t i = 0; i < behaviour->setting_count; i++) put_setting(&json, &behaviour->settings[i]);
    mf_close(&json);
    mf_open_list(&json, "required");
    for (size_t i = 0; i < behaviour->setting_count; i++) {
        char key[KEY_SIZE];
        put_key(key, sizeof(key), behaviour->settings[i].name);
        if (behaviour->settings[i].required) mf_put_text(&json, NULL, key);
    }
    mf_close(&json);
    mf_put_flag(&json, "additionalProperties", false);
    mf_close(&json);
}

/* The problems of the settings, one a line. */
typedef struct {
    const mf_behaviour *behaviour;
    mf_buffer problems;
} settings_check;

static void report(settings_check *check, const char *key, const char *text) {
    if (check->problems.size > 0) mf_append_text(&check->problems, "\n");
    mf_append_text(&check->problems, "config.");
    mf_append_text(&check->problems, key);
    mf_append_text(&check->problems, ": ");
    mf_append_text(&check->problems, text);
}

static bool check_key(void *context, mf_text key) {
    settings_check *check = context;
    for (size_t i = 0; i < check->behaviour->setting_count; i++) {
        char known[KEY_SIZE];
        put_key(known, sizeof(known), check->behaviour->settings[i].name);
        if (strcmp(known, key.bytes) == 0) return true;
    }
    report(check, key.bytes, "there is no such setting");
    return true;
}

static void put_standard(const mf_setting *setting, void *member) {
    switch (setting->kind) {
    case MF_KIND_NUMBER:
        *(double *)member = setting->number;
        break;
    case MF_KIND_INTEGER:
        *(int64_t *)member = setting->integer;
        break;
    case MF_KIND_TEXT:
        *(const char **)member = setting->text;
        break;
    case MF_KIND_FLAG:
        *(bool *)member = setting->flag;
        break;
    }
}

static bool get_value(const mf_setting *setting, mf_span value, mf_arena *arena, void *member) {
    mf_text json = {value.begin, (size_t)(value.end - value.begin)};
    switch (setting->kind) {
    case MF_KIND_NUMBER:
        return mf_get_number(json, "", member);
    case MF_KIND_INTEGER:
        return mf_get_integer(json, "", member);
    case MF_KIND_TEXT:
        if (*value.begin != '"') return false;
        *(const char **)member = mf_json_decode(arena, value);
        return true;
    case MF_KIND_FLAG:
        return mf_get_flag(json, "", member);
    }
    return false;
}

static bool is_choice(const mf_setting *setting, const char *text) {
    for (const char *const *choice = setting->choices; *choice != NULL; choice++) {
        if (strcmp(*choice, text) == 0) return true;
    }
    return false;
}

static void check_value(settings_check *check, const mf_setting *setting, const char *key, const void *member) {
    bool is_number = setting->kind == MF_KIND_NUMBER, is_integer = setting->kind == MF_KIND_INTEGER;
    double number = is_number ? *(const double *)member : is_integer ? (double)*(const int64_t *)member : 0.0;
    char text[96];
    if ((is_number || is_integer) && setting->bounds.has_min && number < setting->bounds.min) {
        snprintf(text, sizeof(text), "%g is less than the minimum of %g", number, setting->bounds.min);
        report(check, key, text);
    }
    if ((is_number || is_integer) && setting->bounds.has_max && number > setting->bounds.max) {
        snprintf(text, sizeof(text), "%g is greater than the maximum of %g", number, setting->bounds.max);
        report(check, key, text);
    }
    if (setting->kind == MF_KIND_TEXT && setting->choices != NULL && !is_choice(setting, *(char *const *)member)) {
        report(check, key, "it is none of the texts that are allowed");
    }
}

static void read_setting(settings_check *check, const mf_setting *setting, mf_text json, mf_arena *arena, void *settings) {
    void *member = (char *)settings + setting->offset;
    char key[KEY_SIZE];
    put_key(key, sizeof(key), setting->name);
    mf_span value;
    if (!mf_json_find(json, key, &value)) {
        if (setting->required) report(check, key, "it is missing, and has no default");
        put_standard(setting, member);
    } else if (get_value(setting, value, arena, member)) {
        check_value(check, setting, key, member);
    } else {
        char text[64];
        snprintf(text, sizeof(text), "%s is wanted", WANTED[setting->kind]);
        report(check, key, text);
    }
}

mf_result mf_settings_read(const mf_behaviour *behaviour, mf_text json, mf_arena *arena, void *settings,
                           mf_turn *turn) {
    settings_check check = {.behaviour = behaviour};
    if (!mf_json_each_key(json, check_key, &check)) return mf_invalid(turn, "the settings are no JSON object");
    for (size_t i = 0; i < behaviour->setting_count; i++) {
        read_setting(&check, &behaviour->settings[i], json, arena, settings);
    }
    if (check.problems.size == 0) return MF_OK;
    mf_append(&check.problems, "", 1);
    mf_result result = mf_invalid(turn, "%s", check.problems.bytes);
    free(check.problems.bytes);
    return result;
}
