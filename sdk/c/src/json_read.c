/* Reads values of a JSON text by their paths, without a copy of the text. */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

typedef struct {
    const char *at, *end;
    size_t depth;
} reader;

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(reader *in) {
    while (in->at < in->end && is_space(*in->at)) in->at++;
}

static bool take(reader *in, char c) {
    skip_space(in);
    if (in->at == in->end || *in->at != c) return false;
    in->at++;
    return true;
}

static bool is_digit(const reader *in) {
    return in->at < in->end && *in->at >= '0' && *in->at <= '9';
}

static bool skip_digits(reader *in) {
    if (!is_digit(in)) return false;
    while (is_digit(in)) in->at++;
    return true;
}

static bool skip_number(reader *in) {
    if (in->at < in->end && *in->at == '-') in->at++;
    if (in->at < in->end && *in->at == '0') in->at++;
    else if (!skip_digits(in)) return false;
    if (in->at < in->end && *in->at == '.') {
        in->at++;
        if (!skip_digits(in)) return false;
    }
    if (in->at < in->end && (*in->at == 'e' || *in->at == 'E')) {
        in->at++;
        if (in->at < in->end && (*in->at == '+' || *in->at == '-')) in->at++;
        return skip_digits(in);
    }
    return true;
}

static int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static bool skip_text(reader *in) {
    if (!take(in, '"')) return false;
    while (in->at < in->end && *in->at != '"') {
        if ((unsigned char)*in->at < 0x20) return false;
        if (*in->at++ != '\\') continue;
        if (in->at == in->end || strchr("\"\\/bfnrtu", *in->at) == NULL || *in->at == '\0') return false;
        if (*in->at++ != 'u') continue;
        for (int i = 0; i < 4; i++, in->at++) {
            if (in->at == in->end || hex(*in->at) < 0) return false;
        }
    }
    return take(in, '"');
}

static bool skip_word(reader *in, const char *word) {
    size_t size = strlen(word);
    if ((size_t)(in->end - in->at) < size || memcmp(in->at, word, size) != 0) return false;
    in->at += size;
    return true;
}

static bool skip_value(reader *in);

/* Skips the members of an object or list after its first character. */
static bool skip_members(reader *in, char closing) {
    if (++in->depth > MF_DEPTH) return false;
    if (!take(in, closing)) {
        do {
            if (closing == '}' && !(skip_space(in), skip_text(in) && take(in, ':'))) return false;
            if (!skip_value(in)) return false;
        } while (take(in, ','));
        if (!take(in, closing)) return false;
    }
    in->depth--;
    return true;
}

static bool skip_value(reader *in) {
    skip_space(in);
    if (in->at == in->end) return false;
    switch (*in->at) {
    case '{':
        in->at++;
        return skip_members(in, '}');
    case '[':
        in->at++;
        return skip_members(in, ']');
    case '"':
        return skip_text(in);
    case 't':
        return skip_word(in, "true");
    case 'f':
        return skip_word(in, "false");
    case 'n':
        return skip_word(in, "null");
    default:
        return skip_number(in);
    }
}

bool mf_json_is_valid(mf_text json) {
    reader in = {json.bytes, json.bytes + json.size, 0};
    if (!skip_value(&in)) return false;
    skip_space(&in);
    return in.at == in.end;
}

/* Appends a code point as UTF-8. */
static char *put_utf8(char *out, unsigned code) {
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xC0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        *out++ = (char)(0xE0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3F));
        *out++ = (char)(0x80 | (code & 0x3F));
    } else {
        *out++ = (char)(0xF0 | code >> 18);
        *out++ = (char)(0x80 | (code >> 12 & 0x3F));
        *out++ = (char)(0x80 | (code >> 6 & 0x3F));
        *out++ = (char)(0x80 | (code & 0x3F));
    }
    return out;
}

static unsigned four_digits(const char *at) {
    unsigned code = 0;
    for (int i = 0; i < 4; i++) code = code << 4 | (unsigned)hex(at[i]);
    return code;
}

/* Decodes a text that `skip_text` has accepted. */
char *mf_json_decode(mf_arena *arena, mf_span value) {
    char *text = mf_arena_alloc(arena, (size_t)(value.end - value.begin)), *out = text;
    for (const char *at = value.begin + 1; at < value.end - 1; at++) {
        if (*at != '\\') {
            *out++ = *at;
            continue;
        }
        static const char escapes[] = "bfnrt", meanings[] = "\b\f\n\r\t";
        const char *escape = strchr(escapes, *++at);
        if (*at != 'u') {
            *out++ = escape == NULL ? *at : meanings[escape - escapes];
            continue;
        }
        unsigned code = four_digits(at + 1);
        at += 4;
        bool first = code >= 0xD800 && code < 0xDC00, more = value.end - at > 7 && at[1] == '\\' && at[2] == 'u';
        unsigned second = first && more ? four_digits(at + 3) : 0;
        if (second >= 0xDC00 && second < 0xE000) {
            code = 0x10000 + ((code - 0xD800) << 10) + (second - 0xDC00);
            at += 6;
        } else if (code >= 0xD800 && code < 0xE000) {
            // Half of a pair is no character.
            code = 0xFFFD;
        }
        out = put_utf8(out, code);
    }
    *out = '\0';
    return text;
}

/* Compares the key at the reader with the first part of a path, and skips it. */
static bool take_key(reader *in, const char *part, size_t size, bool *equal) {
    skip_space(in);
    const char *begin = in->at;
    if (!skip_text(in)) return false;
    mf_arena arena = {NULL};
    const char *key = mf_json_decode(&arena, (mf_span){begin, in->at});
    *equal = strlen(key) == size && memcmp(key, part, size) == 0;
    mf_arena_free(&arena);
    return take(in, ':');
}

/* Moves the reader to a member of the object or list that it is at. */
static bool enter(reader *in, const char *part, size_t size) {
    char closing = take(in, '{') ? '}' : take(in, '[') ? ']' : '\0';
    if (closing == '\0' || take(in, closing)) return false;
    char *after = NULL;
    unsigned long place = strtoul(part, &after, 10);
    if (closing == ']' && after != part + size) return false;
    do {
        bool found = place-- == 0;
        if (closing == '}' && !take_key(in, part, size, &found)) return false;
        if (found) return true;
        if (!skip_value(in)) return false;
    } while (take(in, ','));
    return false;
}

bool mf_json_find(mf_text json, const char *path, mf_span *value) {
    if (!mf_json_is_valid(json)) return false;
    reader in = {json.bytes, json.bytes + json.size, 0};
    for (const char *part = path; *part != '\0';) {
        size_t size = strcspn(part, ".");
        if (!enter(&in, part, size)) return false;
        part += size + (part[size] == '.');
    }
    skip_space(&in);
    value->begin = in.at;
    if (!skip_value(&in)) return false;
    value->end = in.at;
    return true;
}

bool mf_json_each_key(mf_text json, bool (*visit)(void *context, mf_text key), void *context) {
    reader in = {json.bytes, json.bytes + json.size, 0};
    if (!mf_json_is_valid(json) || !take(&in, '{')) return false;
    if (take(&in, '}')) return true;
    do {
        skip_space(&in);
        mf_span key = {in.at, in.at};
        if (!skip_text(&in)) return false;
        key.end = in.at;
        mf_arena arena = {NULL};
        const char *text = mf_json_decode(&arena, key);
        bool goes_on = visit(context, (mf_text){text, strlen(text)});
        mf_arena_free(&arena);
        if (!goes_on || !take(&in, ':') || !skip_value(&in)) return false;
    } while (take(&in, ','));
    return true;
}

bool mf_get_number(mf_text json, const char *path, double *value) {
    mf_span found;
    if (!mf_json_find(json, path, &found) || strchr("-0123456789", *found.begin) == NULL) return false;
    // The character after a number is no part of one.
    double number = strtod(found.begin, NULL);
    if (!isfinite(number)) return false;
    *value = number;
    return true;
}

bool mf_get_integer(mf_text json, const char *path, int64_t *value) {
    mf_span found;
    if (!mf_json_find(json, path, &found) || strchr("-0123456789", *found.begin) == NULL) return false;
    char *after;
    errno = 0;
    long long number = strtoll(found.begin, &after, 10);
    if (errno != 0) return false;
    if (after != found.end) {
        // 3.0 and 3e2 are whole numbers too.
        double real = strtod(found.begin, NULL);
        if (real != mf_round(real, 0) || fabs(real) >= 9007199254740992.0) return false;
        number = (long long)real;
    }
    *value = number;
    return true;
}

bool mf_get_flag(mf_text json, const char *path, bool *value) {
    mf_span found;
    if (!mf_json_find(json, path, &found) || strchr("tf", *found.begin) == NULL) return false;
    *value = *found.begin == 't';
    return true;
}

bool mf_get_text(mf_turn *turn, mf_text json, const char *path, const char **value) {
    mf_span found;
    if (!mf_json_find(json, path, &found) || *found.begin != '"') return false;
    *value = mf_json_decode(&turn->arena, found);
    return true;
}

bool mf_get_count(mf_text json, const char *path, size_t *count) {
    mf_span found;
    if (!mf_json_find(json, path, &found)) return false;
    reader in = {found.begin, found.end, 0};
    char closing = take(&in, '{') ? '}' : take(&in, '[') ? ']' : '\0';
    if (closing == '\0') return false;
    *count = 0;
    if (take(&in, closing)) return true;
    do {
        if (closing == '}' && !(skip_space(&in), skip_text(&in) && take(&in, ':'))) return false;
        if (!skip_value(&in)) return false;
        ++*count;
    } while (take(&in, ','));
    return true;
}
