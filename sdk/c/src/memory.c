/* Allocates memory that is freed at the end of a call or of a device. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct mf_block {
    mf_block *before;
    max_align_t content[];
};

/* Out of memory is the end of the cell, which its devices share. */
static void *checked(void *memory) {
    if (memory == NULL) {
        fputs("out of memory: limits.memory of the group is the limit of all devices of a cell\n", stderr);
        abort();
    }
    return memory;
}

void *mf_must_alloc(size_t size) {
    return checked(malloc(size == 0 ? 1 : size));
}

void *mf_arena_alloc(mf_arena *arena, size_t size) {
    mf_block *block = checked(calloc(1, sizeof(mf_block) + size));
    block->before = arena->last;
    arena->last = block;
    return block->content;
}

char *mf_arena_copy(mf_arena *arena, const char *bytes, size_t size) {
    char *copy = mf_arena_alloc(arena, size + 1);
    if (size > 0) memcpy(copy, bytes, size);
    return copy;
}

char *mf_arena_format(mf_arena *arena, const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    if (size < 0) size = 0;
    char *text = mf_arena_alloc(arena, (size_t)size + 1);
    vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    return text;
}

void mf_arena_free(mf_arena *arena) {
    while (arena->last != NULL) {
        mf_block *block = arena->last;
        arena->last = block->before;
        free(block);
    }
}

void mf_append(mf_buffer *buffer, const char *bytes, size_t size) {
    if (buffer->capacity - buffer->size < size) {
        size_t capacity = buffer->capacity < 64 ? 64 : buffer->capacity * 2;
        while (capacity - buffer->size < size) capacity *= 2;
        buffer->bytes = checked(realloc(buffer->bytes, capacity));
        buffer->capacity = capacity;
    }
    if (size > 0) memcpy(buffer->bytes + buffer->size, bytes, size);
    buffer->size += size;
}

void mf_append_text(mf_buffer *buffer, const char *text) {
    mf_append(buffer, text, strlen(text));
}
