/* Runs one device natively, on a clock of its own. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "mockfleet_testing.h"
#include "testing.h"

/* 2026-01-01T00:00:00Z. */
#define BORN UINT64_C(1767225600000000)

/* The shortest interval that a device can schedule, as in the host. */
#define MIN_TICK_INTERVAL 1000

typedef struct {
    const char *channel, *payload;
} sent;

struct mf_trial {
    mf_slot *slot;
    mf_time now, due;
    uint64_t sequence;
    sent *messages;
    size_t message_count;
    const char *status, *error, *retired;
};

/* What the trials of a test hold. */
static mf_arena test_arena;
static mf_trial **trials;
static size_t trial_count;

typedef struct {
    const char *name;
    mf_text content;
} data_file;
static data_file *files;
static size_t file_count;

static const char *kept(const char *text) {
    return mf_arena_copy(&test_arena, text, strlen(text));
}

/* Makes a list longer by one entry of this size. */
static void *longer(void *list, size_t count, size_t entry) {
    void *more = realloc(list, (count + 1) * entry);
    if (more == NULL) abort();
    return more;
}

static void check_named(const char *const *names, const char *kind, const char *name) {
    // The settings name them where the behaviour names none.
    if (names == NULL || *names == NULL) return;
    for (; *names != NULL; names++) {
        if (strcmp(*names, name) == 0) return;
    }
    mf_test_end("%s of mf_plugin do not have \"%s\"", kind, name);
}

static void end_call(mf_trial *trial, mf_turn *turn, mf_result result) {
    trial->error = result == MF_OK ? NULL : kept(turn->error);
    if (result == MF_RETIRED) trial->retired = trial->error;
    mf_turn_finish(turn);
    for (size_t i = 0; result == MF_OK && i < turn->message_count; i++) {
        mf_outgoing *message = turn->messages[i];
        check_named(mf_plugin.channels, "the channels", message->channel);
        trial->messages = longer(trial->messages, trial->message_count, sizeof(sent));
        const char *payload = mf_arena_copy(&test_arena, message->payload.bytes, message->payload.size);
        trial->messages[trial->message_count++] = (sent){kept(message->channel), payload};
    }
    if (result == MF_OK) mf_slot_status(trial->slot, turn);
    if (result == MF_OK && turn->status != NULL) {
        check_named(mf_plugin.statuses, "the statuses", turn->status);
        trial->status = kept(turn->status);
    }
    if (result == MF_OK && turn->has_next_tick) {
        mf_time after = turn->next_tick;
        trial->due = trial->now + (after < MIN_TICK_INTERVAL ? MIN_TICK_INTERVAL : after);
    }
    mf_turn_free(turn);
}

mf_trial *mf_trial_new_as(const mf_device *device, const char *settings) {
    mf_device identity = *device;
    if (identity.id == NULL) identity.id = "device-00000";
    if (identity.group == NULL) identity.group = "device";
    mf_trial *trial = mf_arena_alloc(&test_arena, sizeof(mf_trial));
    trial->now = trial->due = identity.born;
    mf_turn turn = {0};
    mf_result result =
        mf_slot_create(&mf_plugin, &identity, (mf_text){settings, strlen(settings)}, &turn, &trial->slot);
    if (result != MF_OK) mf_test_end("the device is not created: %s", turn.error);
    mf_turn_free(&turn);
    trials = longer(trials, trial_count, sizeof(mf_trial *));
    trials[trial_count++] = trial;
    if (mf_plugin.start != NULL) {
        mf_start start = {identity.born, trial->due};
        end_call(trial, &turn, mf_plugin.start(trial->slot->state, &start, &turn));
    }
    return trial;
}

mf_trial *mf_trial_new(const char *settings) {
    return mf_trial_new_as(&(mf_device){.seed = 1, .born = BORN}, settings);
}

const char *mf_trial_rejected(const char *settings) {
    mf_device device = {.id = "device-00000", .group = "device", .seed = 1, .born = BORN};
    mf_turn turn = {0};
    mf_slot *slot;
    mf_result result = mf_slot_create(&mf_plugin, &device, (mf_text){settings, strlen(settings)}, &turn, &slot);
    if (result == MF_OK) mf_test_end("these settings are accepted: %s", settings);
    const char *error = kept(turn.error);
    mf_turn_free(&turn);
    return error;
}

void mf_trial_ticks(mf_trial *trial, size_t count) {
    for (; count > 0 && trial->retired == NULL; count--) {
        trial->now = trial->due;
        trial->due += MF_SECONDS(1);
        mf_tick tick = {trial->now, trial->sequence++};
        mf_turn turn = {0};
        end_call(trial, &turn, mf_plugin.tick(trial->slot->state, &tick, &turn));
    }
}

static void handle(mf_trial *trial, mf_event event, unsigned kind, const char *name) {
    if (!(mf_plugin.events & kind) || mf_plugin.handle == NULL) {
        mf_test_end("mf_plugin has no .events with %s and no .handle: the host would not deliver it", name);
    }
    if (trial->retired != NULL) return;
    event.at = trial->now;
    mf_turn turn = {0};
    end_call(trial, &turn, mf_plugin.handle(trial->slot->state, &event, &turn));
}

void mf_trial_receive(mf_trial *trial, const char *channel, const char *payload) {
    mf_message message = {.channel = channel, .payload = {payload, strlen(payload)}};
    handle(trial, (mf_event){.kind = MF_RECEIVED, .message = message}, MF_DOWNLINK, "MF_DOWNLINK");
}

void mf_trial_connected(mf_trial *trial) {
    handle(trial, (mf_event){.kind = MF_CONNECTED}, MF_LINK, "MF_LINK");
}

void mf_trial_disconnected(mf_trial *trial, const char *reason) {
    handle(trial, (mf_event){.kind = MF_DISCONNECTED, .reason = reason}, MF_LINK, "MF_LINK");
}

void mf_trial_settled(mf_trial *trial, uint64_t sequence, const char *channel, mf_outcome outcome) {
    mf_receipt receipt = {.sequence = sequence, .channel = channel, .outcome = outcome};
    handle(trial, (mf_event){.kind = MF_SETTLED, .receipt = receipt}, MF_RECEIPTS, "MF_RECEIPTS");
}

const char *mf_trial_sent(const mf_trial *trial, const char *channel, size_t number) {
    for (size_t i = 0; i < trial->message_count; i++) {
        if (strcmp(trial->messages[i].channel, channel) == 0 && number-- == 0) return trial->messages[i].payload;
    }
    return NULL;
}

size_t mf_trial_count(const mf_trial *trial, const char *channel) {
    size_t count = 0;
    while (mf_trial_sent(trial, channel, count) != NULL) count++;
    return count;
}

const char *mf_trial_status(const mf_trial *trial) {
    return trial->status;
}

const char *mf_trial_error(const mf_trial *trial) {
    return trial->error;
}

const char *mf_trial_retired(const mf_trial *trial) {
    return trial->retired;
}

mf_time mf_trial_now(const mf_trial *trial) {
    return trial->now;
}

mf_time mf_trial_due(const mf_trial *trial) {
    return trial->due;
}

const char *mf_trial_schema(void) {
    mf_buffer schema = {0};
    mf_settings_schema(&mf_plugin, &schema);
    const char *text = mf_arena_copy(&test_arena, schema.bytes, schema.size);
    free(schema.bytes);
    return text;
}

void mf_trial_data(const char *name, const char *content, size_t size) {
    files = longer(files, file_count, sizeof(data_file));
    files[file_count++] = (data_file){kept(name), {mf_arena_copy(&test_arena, content, size), size}};
}

void mf_trials_free(void) {
    for (size_t i = 0; i < trial_count; i++) {
        mf_slot_free(&mf_plugin, trials[i]->slot);
        free(trials[i]->messages);
    }
    trial_count = file_count = 0;
    mf_arena_free(&test_arena);
}

/* The host of a trial. */

static const data_file *file_of(const char *name) {
    for (size_t i = 0; i < file_count; i++) {
        if (strcmp(files[i].name, name) == 0) return &files[i];
    }
    return NULL;
}

bool mf_data_size(const char *name, uint64_t *size) {
    const data_file *file = file_of(name);
    if (file != NULL) *size = file->content.size;
    return file != NULL;
}

bool mf_data_read(mf_turn *turn, const char *name, uint64_t offset, uint32_t length, mf_text *bytes) {
    const data_file *file = file_of(name);
    if (file == NULL) return false;
    uint64_t rest = offset < file->content.size ? file->content.size - offset : 0;
    size_t size = length < rest ? length : (size_t)rest;
    bytes->bytes = mf_arena_copy(&turn->arena, size == 0 ? "" : file->content.bytes + offset, size);
    bytes->size = size;
    return true;
}

bool mf_interval(mf_time *interval) {
    *interval = MF_SECONDS(1);
    return true;
}
