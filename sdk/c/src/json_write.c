/* Writes JSON. */

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

void mf_append_quoted(mf_buffer *buffer, const char *text) {
    mf_append(buffer, "\"", 1);
    for (const char *rest = text; *rest != '\0';) {
        size_t plain = 0;
        while ((unsigned char)rest[plain] >= 0x20 && rest[plain] != '"' && rest[plain] != '\\') plain++;
        mf_append(buffer, rest, plain);
        rest += plain;
        if (*rest == '\0') break;
        char escape[8] = {'\\', *rest, '\0'};
        if ((unsigned char)*rest < 0x20) snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)*rest);
        mf_append_text(buffer, escape);
        rest++;
    }
    mf_append(buffer, "\"", 1);
}

void mf_append_integer(mf_buffer *buffer, int64_t value) {
    char digits[24];
    int size = snprintf(digits, sizeof(digits), "%" PRId64, value);
    mf_append(buffer, digits, (size_t)size);
}

/* Appends the shortest decimal number that is read as the same double. */
void mf_append_number(mf_buffer *buffer, double value) {
    if (!isfinite(value)) {
        // JSON has no other word for it.
        mf_append_text(buffer, "null");
        return;
    }
    char digits[40];
    double scale = 1.0;
    for (int decimals = 0; decimals <= 9; decimals++, scale *= 10.0) {
        double scaled = value * scale;
        if (fabs(scaled) >= 9007199254740992.0) break;
        // Both are exact, so the quotient is the double next to this decimal number.
        double whole = mf_round(scaled, 0);
        if (whole / scale != value) continue;
        uint64_t magnitude = (uint64_t)fabs(whole), divisor = (uint64_t)scale;
        const char *sign = signbit(value) ? "-" : "";
        int size = decimals == 0
                       ? snprintf(digits, sizeof(digits), "%s%" PRIu64 ".0", sign, magnitude)
                       : snprintf(digits, sizeof(digits), "%s%" PRIu64 ".%0*" PRIu64, sign,
                                  magnitude / divisor, decimals, magnitude % divisor);
        mf_append(buffer, digits, (size_t)size);
        return;
    }
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof(digits), "%.*g", precision, value);
        if (strtod(digits, NULL) == value) break;
    }
    mf_append_text(buffer, digits);
    if (strpbrk(digits, ".e") == NULL) mf_append_text(buffer, ".0");
}

/* Begins a value: a comma after the one before, and its key. */
static mf_buffer *begin(mf_json *json, const char *key) {
    if (!json->empty && json->depth > 0) mf_append(json->output, ",", 1);
    json->empty = false;
    if (key != NULL) {
        mf_append_quoted(json->output, key);
        mf_append(json->output, ":", 1);
    }
    return json->output;
}

static void begin_members(mf_json *json, const char *key, char opening, char closing) {
    mf_append(begin(json, key), &opening, 1);
    if (json->depth == MF_DEPTH) {
        fputs("JSON is written with more than 64 objects and lists in each other\n", stderr);
        abort();
    }
    json->closing[json->depth++] = closing;
    json->empty = true;
}

void mf_open_object(mf_json *json, const char *key) {
    begin_members(json, key, '{', '}');
}

void mf_open_list(mf_json *json, const char *key) {
    begin_members(json, key, '[', ']');
}

void mf_close(mf_json *json) {
    if (json->depth == 0) return;
    mf_append(json->output, &json->closing[--json->depth], 1);
    json->empty = false;
}

void mf_put_number(mf_json *json, const char *key, double value) {
    mf_append_number(begin(json, key), value);
}

void mf_put_integer(mf_json *json, const char *key, int64_t value) {
    mf_append_integer(begin(json, key), value);
}

void mf_put_text(mf_json *json, const char *key, const char *value) {
    mf_append_quoted(begin(json, key), value);
}

void mf_put_flag(mf_json *json, const char *key, bool value) {
    mf_append_text(begin(json, key), value ? "true" : "false");
}

void mf_put_null(mf_json *json, const char *key) {
    mf_append_text(begin(json, key), "null");
}
