/* Collects the turn of a call. */

#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* Makes a list in an arena longer by one entry. The old list stays until the end of the call. */
static void *grown(mf_turn *turn, void *list, size_t count, size_t *capacity, size_t entry) {
    if (count < *capacity) return list;
    *capacity = *capacity == 0 ? 4 : *capacity * 2;
    void *longer = mf_alloc(turn, *capacity * entry);
    if (count > 0) memcpy(longer, list, count * entry);
    return longer;
}

static char *copied(mf_turn *turn, const char *text) {
    return mf_arena_copy(&turn->arena, text, strlen(text));
}

static mf_outgoing *last_message(mf_turn *turn) {
    return turn->message_count == 0 ? NULL : turn->messages[turn->message_count - 1];
}

static mf_outgoing *begin_message(mf_turn *turn, const char *channel) {
    turn->messages =
        grown(turn, turn->messages, turn->message_count, &turn->message_capacity, sizeof(mf_outgoing *));
    mf_outgoing *message = mf_alloc(turn, sizeof(mf_outgoing));
    message->channel = copied(turn, channel);
    turn->messages[turn->message_count++] = message;
    return message;
}

void *mf_alloc(mf_turn *turn, size_t size) {
    return mf_arena_alloc(&turn->arena, size);
}

char *mf_format(mf_turn *turn, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = mf_arena_format(&turn->arena, format, arguments);
    va_end(arguments);
    return text;
}

void mf_send(mf_turn *turn, const char *channel, const void *payload, size_t size) {
    mf_append(&begin_message(turn, channel)->payload, payload, size);
}

mf_json *mf_send_json(mf_turn *turn, const char *channel) {
    mf_outgoing *message = begin_message(turn, channel);
    mf_content_type(turn, "application/json");
    message->json = mf_alloc(turn, sizeof(mf_json));
    message->json->output = &message->payload;
    mf_open_object(message->json, NULL);
    return message->json;
}

void mf_content_type(mf_turn *turn, const char *type) {
    mf_outgoing *message = last_message(turn);
    if (message != NULL) message->content_type = copied(turn, type);
}

void mf_add_property(mf_turn *turn, const char *name, const char *value) {
    mf_outgoing *message = last_message(turn);
    if (message == NULL) return;
    message->properties = grown(turn, message->properties, message->property_count,
                                &message->property_capacity, sizeof(mf_property));
    message->properties[message->property_count++] = (mf_property){copied(turn, name), copied(turn, value)};
}

void mf_status(mf_turn *turn, const char *status) {
    turn->status = copied(turn, status);
}

void mf_next_tick(mf_turn *turn, mf_time after) {
    turn->has_next_tick = true;
    turn->next_tick = after;
}

void mf_reconnect(mf_turn *turn) {
    turn->link = MF_LINK_RECONNECT;
}

void mf_vanish(mf_turn *turn, mf_time length) {
    turn->link = MF_LINK_VANISH;
    turn->vanish = length;
}

#define END_CALL(result)                                                 \
    va_list arguments;                                                   \
    va_start(arguments, format);                                         \
    turn->error = mf_arena_format(&turn->arena, format, arguments);      \
    va_end(arguments);                                                   \
    return result

mf_result mf_fail(mf_turn *turn, const char *format, ...) {
    END_CALL(MF_FAILED);
}

mf_result mf_retire(mf_turn *turn, const char *format, ...) {
    END_CALL(MF_RETIRED);
}

mf_result mf_invalid(mf_turn *turn, const char *format, ...) {
    END_CALL(MF_INVALID);
}

void mf_turn_finish(mf_turn *turn) {
    for (size_t i = 0; i < turn->message_count; i++) {
        mf_json *json = turn->messages[i]->json;
        while (json != NULL && json->depth > 0) mf_close(json);
    }
}

void mf_turn_free(mf_turn *turn) {
    for (size_t i = 0; i < turn->message_count; i++) free(turn->messages[i]->payload.bytes);
    mf_arena_free(&turn->arena);
    memset(turn, 0, sizeof(*turn));
}
