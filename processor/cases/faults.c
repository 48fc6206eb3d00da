#include "cases/faults.h"

#include <stdarg.h>
#include <stdio.h>

#include "cases/grow.h"

enum { MESSAGE_MAX = 1024 };

void fault_add_at(struct case_faults *faults, struct case_fault fault)
{
    faults->items = grown(faults->arena, faults->items, faults->count, &faults->capacity, sizeof *faults->items);
    faults->items[faults->count++] = fault;
}

void fault_add(struct case_faults *faults, int line, const char *format, ...)
{
    char message[MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    fault_add_at(faults, (struct case_fault){.file = faults->file,
                                             .line = line,
                                             .message = arena_text(faults->arena, text_of(message))});
}
