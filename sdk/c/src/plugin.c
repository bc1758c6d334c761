/* Exports the behaviour, and converts the types of the contract to those of the SDK and back.
 *
 * The parameters of a call belong to this module, and are freed at its end. Its result belongs to
 * the caller: each text and list is allocated, and the bindings free it after the call. */

#include "plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "project.h"

typedef mockfleet_device_types_turn_t turn_result;
typedef mockfleet_device_types_error_t error_result;

/* What is printed is a log line of the device that prints it, and does not wait for others. */
__attribute__((constructor)) static void flush_each_line(void) {
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
}

/* A text for the caller. */
static plugin_string_t given(const char *text) {
    size_t size = strlen(text);
    plugin_string_t string = {mf_must_alloc(size), size};
    memcpy(string.ptr, text, size);
    return string;
}

static char *taken(mf_turn *turn, plugin_string_t text) {
    return mf_arena_copy(&turn->arena, (const char *)text.ptr, text.len);
}

static plugin_list_string_t given_list(const char *const *texts) {
    plugin_list_string_t list = {NULL, 0};
    while (texts != NULL && texts[list.len] != NULL) list.len++;
    list.ptr = list.len == 0 ? NULL : mf_must_alloc(list.len * sizeof(*list.ptr));
    for (size_t i = 0; i < list.len; i++) list.ptr[i] = given(texts[i]);
    return list;
}

void exports_mockfleet_device_behaviour_describe(mockfleet_device_types_description_t *ret) {
    memset(ret, 0, sizeof(*ret));
    ret->name = given(MOCKFLEET_NAME);
    ret->version = given(MOCKFLEET_VERSION);
    ret->summary = given(mf_plugin.summary == NULL ? "" : mf_plugin.summary);
    mf_buffer schema = {0};
    mf_settings_schema(&mf_plugin, &schema);
    mf_append(&schema, "", 1);
    ret->config_schema.is_some = true;
    ret->config_schema.val = given(schema.bytes);
    free(schema.bytes);
    ret->channels = given_list(mf_plugin.channels);
    ret->statuses = given_list(mf_plugin.statuses);
    if (mf_plugin.events & MF_LINK) ret->interests |= MOCKFLEET_DEVICE_TYPES_INTERESTS_LINK;
    if (mf_plugin.events & MF_DOWNLINK) ret->interests |= MOCKFLEET_DEVICE_TYPES_INTERESTS_DOWNLINK;
    if (mf_plugin.events & MF_RECEIPTS) ret->interests |= MOCKFLEET_DEVICE_TYPES_INTERESTS_RECEIPTS;
    if (mf_plugin.start != NULL) ret->interests |= MOCKFLEET_DEVICE_TYPES_INTERESTS_START;
}

static void give_error(const mf_turn *turn, mf_result result, error_result *err) {
    plugin_string_t text = given(turn->error == NULL ? "the call gave no reason" : turn->error);
    switch (result) {
    case MF_RETIRED:
        err->tag = MOCKFLEET_DEVICE_TYPES_ERROR_RETIRED;
        err->val.retired = text;
        break;
    case MF_INVALID:
        err->tag = MOCKFLEET_DEVICE_TYPES_ERROR_INVALID_CONFIG;
        err->val.invalid_config = text;
        break;
    default:
        err->tag = MOCKFLEET_DEVICE_TYPES_ERROR_FAILED;
        err->val.failed = text;
    }
}

static void give_message(mf_outgoing *message, mockfleet_device_types_message_t *to) {
    memset(to, 0, sizeof(*to));
    to->channel = given(message->channel);
    if (message->payload.size > 0) {
        // The bindings free it, and not the turn.
        to->payload.ptr = (uint8_t *)message->payload.bytes;
        to->payload.len = message->payload.size;
        message->payload = (mf_buffer){0};
    }
    if (message->content_type != NULL) {
        to->content_type.is_some = true;
        to->content_type.val = given(message->content_type);
    }
    if (message->property_count == 0) return;
    to->properties.ptr = mf_must_alloc(message->property_count * sizeof(*to->properties.ptr));
    to->properties.len = message->property_count;
    for (size_t i = 0; i < message->property_count; i++) {
        to->properties.ptr[i].f0 = given(message->properties[i].name);
        to->properties.ptr[i].f1 = given(message->properties[i].value);
    }
}

static void give_turn(mf_turn *turn, turn_result *ret) {
    memset(ret, 0, sizeof(*ret));
    mf_turn_finish(turn);
    if (turn->message_count > 0) ret->messages.ptr = mf_must_alloc(turn->message_count * sizeof(*ret->messages.ptr));
    ret->messages.len = turn->message_count;
    for (size_t i = 0; i < turn->message_count; i++) give_message(turn->messages[i], &ret->messages.ptr[i]);
    if (turn->status != NULL) {
        ret->status.is_some = true;
        ret->status.val = given(turn->status);
    }
    ret->next_tick.is_some = turn->has_next_tick;
    ret->next_tick.val = turn->next_tick;
    if (turn->link == MF_LINK_KEPT) return;
    ret->link.is_some = true;
    if (turn->link == MF_LINK_RECONNECT) {
        ret->link.val.tag = MOCKFLEET_DEVICE_TYPES_LINK_RECONNECT;
    } else {
        ret->link.val.tag = MOCKFLEET_DEVICE_TYPES_LINK_VANISH;
        ret->link.val.val.vanish = turn->vanish;
    }
}

/* Ends a call. Returns whether it succeeded. */
static bool end_call(mf_slot *slot, mf_turn *turn, mf_result result, turn_result *ret, error_result *err) {
    if (result == MF_OK) {
        mf_slot_status(slot, turn);
        give_turn(turn, ret);
    } else {
        give_error(turn, result, err);
    }
    mf_turn_free(turn);
    return result == MF_OK;
}

static mf_slot *slot_of(exports_mockfleet_device_behaviour_borrow_device_t device) {
    return (mf_slot *)device;
}

bool exports_mockfleet_device_behaviour_static_device_create(
    mockfleet_device_types_device_spec_t *spec, exports_mockfleet_device_behaviour_own_device_t *ret,
    error_result *err) {
    mf_turn turn = {0};
    mf_device device = {
        .id = taken(&turn, spec->id),
        .group = taken(&turn, spec->group),
        .index = spec->index,
        .seed = spec->seed,
        .born = spec->born,
    };
    mf_text config = {taken(&turn, spec->config), spec->config.len};
    mockfleet_device_types_device_spec_free(spec);
    mf_slot *slot;
    mf_result result = mf_slot_create(&mf_plugin, &device, config, &turn, &slot);
    if (result != MF_OK) give_error(&turn, result, err);
    mf_turn_free(&turn);
    if (result != MF_OK) return false;
    *ret = exports_mockfleet_device_behaviour_device_new((exports_mockfleet_device_behaviour_device_t *)slot);
    return true;
}

bool exports_mockfleet_device_behaviour_method_device_start(exports_mockfleet_device_behaviour_borrow_device_t self,
                                                            mockfleet_device_types_instant_t at,
                                                            mockfleet_device_types_instant_t *maybe_first_tick,
                                                            turn_result *ret, error_result *err) {
    mf_turn turn = {0};
    mf_start start = {at, maybe_first_tick == NULL ? 0 : *maybe_first_tick};
    if (mf_plugin.start == NULL) return end_call(slot_of(self), &turn, MF_OK, ret, err);
    return end_call(slot_of(self), &turn, mf_plugin.start(slot_of(self)->state, &start, &turn), ret, err);
}

bool exports_mockfleet_device_behaviour_method_device_tick(exports_mockfleet_device_behaviour_borrow_device_t self,
                                                           mockfleet_device_types_tick_t *tick, turn_result *ret,
                                                           error_result *err) {
    mf_turn turn = {0};
    mf_tick call = {tick->at, tick->sequence};
    return end_call(slot_of(self), &turn, mf_plugin.tick(slot_of(self)->state, &call, &turn), ret, err);
}

static mf_message taken_message(mf_turn *turn, const mockfleet_device_types_message_t *from) {
    mf_property *properties = mf_alloc(turn, from->properties.len * sizeof(mf_property));
    for (size_t i = 0; i < from->properties.len; i++) {
        properties[i].name = taken(turn, from->properties.ptr[i].f0);
        properties[i].value = taken(turn, from->properties.ptr[i].f1);
    }
    return (mf_message){
        .channel = taken(turn, from->channel),
        .payload = {mf_arena_copy(&turn->arena, (const char *)from->payload.ptr, from->payload.len),
                    from->payload.len},
        .content_type = from->content_type.is_some ? taken(turn, from->content_type.val) : NULL,
        .properties = properties,
        .property_count = from->properties.len,
    };
}

static mf_receipt taken_receipt(mf_turn *turn, const mockfleet_device_types_receipt_t *from) {
    static const mf_outcome outcomes[] = {
        [MOCKFLEET_DEVICE_TYPES_OUTCOME_ACKED] = MF_OUTCOME_ACKED,
        [MOCKFLEET_DEVICE_TYPES_OUTCOME_SENT] = MF_OUTCOME_SENT,
        [MOCKFLEET_DEVICE_TYPES_OUTCOME_FAILED] = MF_OUTCOME_FAILED,
        [MOCKFLEET_DEVICE_TYPES_OUTCOME_DROPPED] = MF_OUTCOME_DROPPED,
    };
    return (mf_receipt){
        .sequence = from->sequence,
        .channel = taken(turn, from->channel),
        .outcome = outcomes[from->outcome],
        .latency = from->latency.is_some ? from->latency.val : 0,
        .detail = from->detail.is_some ? taken(turn, from->detail.val) : NULL,
    };
}

bool exports_mockfleet_device_behaviour_method_device_handle(exports_mockfleet_device_behaviour_borrow_device_t self,
                                                             mockfleet_device_types_instant_t at,
                                                             mockfleet_device_types_event_t *event, turn_result *ret,
                                                             error_result *err) {
    mf_turn turn = {0};
    mf_event call = {.at = at};
    switch (event->tag) {
    case MOCKFLEET_DEVICE_TYPES_EVENT_CONNECTED:
        call.kind = MF_CONNECTED;
        break;
    case MOCKFLEET_DEVICE_TYPES_EVENT_DISCONNECTED:
        call.kind = MF_DISCONNECTED;
        call.reason = taken(&turn, event->val.disconnected);
        break;
    case MOCKFLEET_DEVICE_TYPES_EVENT_RECEIVED:
        call.kind = MF_RECEIVED;
        call.message = taken_message(&turn, &event->val.received);
        break;
    default:
        call.kind = MF_SETTLED;
        call.receipt = taken_receipt(&turn, &event->val.settled);
    }
    mockfleet_device_types_event_free(event);
    if (mf_plugin.handle == NULL) return end_call(slot_of(self), &turn, MF_OK, ret, err);
    return end_call(slot_of(self), &turn, mf_plugin.handle(slot_of(self)->state, &call, &turn), ret, err);
}

void exports_mockfleet_device_behaviour_device_destructor(exports_mockfleet_device_behaviour_device_t *rep) {
    mf_slot_free(&mf_plugin, (mf_slot *)rep);
}

bool mf_data_size(const char *name, uint64_t *size) {
    plugin_string_t asked = {(uint8_t *)name, strlen(name)}, err;
    if (mockfleet_device_data_size(&asked, size, &err)) return true;
    plugin_string_free(&err);
    return false;
}

bool mf_data_read(mf_turn *turn, const char *name, uint64_t offset, uint32_t length, mf_text *bytes) {
    plugin_string_t asked = {(uint8_t *)name, strlen(name)}, err;
    plugin_list_u8_t read;
    if (!mockfleet_device_data_read(&asked, offset, length, &read, &err)) {
        plugin_string_free(&err);
        return false;
    }
    bytes->bytes = mf_arena_copy(&turn->arena, (const char *)read.ptr, read.len);
    bytes->size = read.len;
    plugin_list_u8_free(&read);
    return true;
}

bool mf_interval(mf_time *interval) {
    return mockfleet_device_group_interval(interval);
}
