#include <stdlib.h>

#include "avroc.h"
#include "decode/guard.h"
#include "writers.h"

/* First byte: which writer. The rest: what it wrote. The plan must read exactly what the guard and avro-c read, and
 * equally; avro-c must read whatever the guard lets through. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct decode_limits limits = {.lines = 6, .string_bytes = 1000};

struct fuzz {
    struct writers *writers;
    struct avroc avrocs[64];
    struct arena *arena;
};

static struct fuzz *fuzz_open(void)
{
    struct fuzz *fuzz = calloc(1, sizeof *fuzz);
    fuzz->writers = writers_open();
    fuzz->arena = arena_new(1024 * 1024);
    for (size_t i = 0; i < fuzz->writers->count; i++) {
        struct writer *writer = &fuzz->writers->at[i];
        avroc_open(&fuzz->avrocs[i], text_of(writer->json), writer->schema, writer->type);
    }
    return fuzz;
}

/* avro-c keeps the last of a map's entries of one name, so there our refusal of any of them stands. */
static bool may_differ(const struct writer *writer, bool ours, bool theirs)
{
    return theirs && !ours && (writer->type == EVENT_ACTIVITY || writer->type == EVENT_MEMBER);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fuzz *fuzz;
    struct event ours, theirs;
    struct err err;
    if (!fuzz)
        fuzz = fuzz_open();
    if (size == 0)
        return 0;
    size_t index = data[0] % fuzz->writers->count;
    const struct writer *writer = &fuzz->writers->at[index];
    struct bytes body = {data + 1, size - 1};
    bool read = plan_read(writer->plan, &limits, body, fuzz->arena, &ours, &err) == ERR_NONE;
    size_t used = arena_used(fuzz->arena);
    bool read_by_avro_c = avroc_read(&fuzz->avrocs[index], &limits, body, fuzz->arena, &theirs);
    if (read != read_by_avro_c && !may_differ(writer, read, read_by_avro_c))
        abort();
    if (read && read_by_avro_c && !events_equal(&ours, &theirs))
        abort();
    if (read && guard_check(writer->schema, body))
        abort();
    if (used > 4096 + 64 * size)
        abort();
    arena_reset(fuzz->arena);
    return 0;
}
