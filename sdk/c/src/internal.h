/* Parts that the files of the SDK share. */
#ifndef MOCKFLEET_INTERNAL_H
#define MOCKFLEET_INTERNAL_H

#include <stdarg.h>

#include "mockfleet.h"

/* Blocks that are freed together. */
typedef struct mf_block mf_block;
typedef struct {
    mf_block *last;
} mf_arena;

void *mf_must_alloc(size_t size);
void *mf_arena_alloc(mf_arena *arena, size_t size);
char *mf_arena_copy(mf_arena *arena, const char *bytes, size_t size);
char *mf_arena_format(mf_arena *arena, const char *format, va_list arguments);
void mf_arena_free(mf_arena *arena);

/* Bytes that grow. They are allocated with `malloc`. */
typedef struct {
    char *bytes;
    size_t size, capacity;
} mf_buffer;

void mf_append(mf_buffer *buffer, const char *bytes, size_t size);
void mf_append_text(mf_buffer *buffer, const char *text);
/* Appends a text as JSON, in quotes. */
void mf_append_quoted(mf_buffer *buffer, const char *text);
void mf_append_number(mf_buffer *buffer, double value);
void mf_append_integer(mf_buffer *buffer, int64_t value);

/* At most this many objects and lists in each other, when JSON is written or read. */
enum { MF_DEPTH = 64 };

struct mf_json {
    mf_buffer *output;
    size_t depth;
    char closing[MF_DEPTH];
    bool empty;
};

/* A message of a turn. `json` is NULL if the payload is complete. */
typedef struct {
    char *channel, *content_type;
    mf_buffer payload;
    mf_json *json;
    mf_property *properties;
    size_t property_count, property_capacity;
} mf_outgoing;

typedef enum { MF_LINK_KEPT, MF_LINK_RECONNECT, MF_LINK_VANISH } mf_link;

struct mf_turn {
    mf_arena arena;
    mf_outgoing **messages;
    size_t message_count, message_capacity;
    char *status;
    bool has_next_tick;
    mf_time next_tick;
    mf_link link;
    mf_time vanish;
    /* The text of a call that did not return MF_OK. */
    char *error;
};

/* Completes the JSON of the messages. */
void mf_turn_finish(mf_turn *turn);
void mf_turn_free(mf_turn *turn);

/* A value inside a JSON text. */
typedef struct {
    const char *begin, *end;
} mf_span;

/* Returns false unless the whole text is JSON. */
bool mf_json_is_valid(mf_text json);
bool mf_json_find(mf_text json, const char *path, mf_span *value);
/* Calls a function with each key of the object, and ends early if it returns false. */
bool mf_json_each_key(mf_text json, bool (*visit)(void *context, mf_text key), void *context);
char *mf_json_decode(mf_arena *arena, mf_span value);

/* The JSON Schema of the settings. */
void mf_settings_schema(const mf_behaviour *behaviour, mf_buffer *schema);
/* Reads settings, or returns MF_INVALID with all problems in the turn. */
mf_result mf_settings_read(const mf_behaviour *behaviour, mf_text json, mf_arena *arena, void *settings,
                           mf_turn *turn);

/* A device with its state. */
typedef struct {
    mf_arena arena;
    mf_device device;
    void *settings, *state;
    /* The last reported status, allocated with `malloc`; NULL if there is none. */
    char *status;
} mf_slot;

/* Creates a device; `device` is copied. The slot is NULL if the result is not MF_OK. */
mf_result mf_slot_create(const mf_behaviour *behaviour, const mf_device *device, mf_text config, mf_turn *turn,
                         mf_slot **slot);
/* Removes a status from a turn that is the last one, and keeps another. */
void mf_slot_status(mf_slot *slot, mf_turn *turn);
void mf_slot_free(const mf_behaviour *behaviour, mf_slot *slot);

#endif
