/* Creates and frees the state of a device. */

#include <stdlib.h>
#include <string.h>

#include "internal.h"

mf_result mf_slot_create(const mf_behaviour *behaviour, const mf_device *device, mf_text config, mf_turn *turn,
                         mf_slot **slot) {
    mf_arena arena = {NULL};
    mf_slot *made = mf_arena_alloc(&arena, sizeof(mf_slot));
    made->device = *device;
    made->device.id = mf_arena_copy(&arena, device->id, strlen(device->id));
    made->device.group = mf_arena_copy(&arena, device->group, strlen(device->group));
    made->settings = mf_arena_alloc(&arena, behaviour->settings_size);
    made->state = mf_arena_alloc(&arena, behaviour->state_size);
    mf_result result = mf_settings_read(behaviour, config, &arena, made->settings, turn);
    if (result == MF_OK) result = behaviour->create(made->state, &made->device, made->settings, turn);
    if (result == MF_OK && turn->message_count > 0) result = mf_fail(turn, "create sends messages; start and tick can");
    if (result != MF_OK) {
        mf_arena_free(&arena);
        *slot = NULL;
        return result;
    }
    made->arena = arena;
    *slot = made;
    return MF_OK;
}

void mf_slot_status(mf_slot *slot, mf_turn *turn) {
    if (turn->status == NULL) return;
    if (slot->status != NULL && strcmp(slot->status, turn->status) == 0) {
        turn->status = NULL;
        return;
    }
    free(slot->status);
    size_t size = strlen(turn->status) + 1;
    slot->status = memcpy(mf_must_alloc(size), turn->status, size);
}

void mf_slot_free(const mf_behaviour *behaviour, mf_slot *slot) {
    if (behaviour->drop != NULL) behaviour->drop(slot->state);
    free(slot->status);
    // The slot itself is in its arena.
    mf_arena arena = slot->arena;
    mf_arena_free(&arena);
}
