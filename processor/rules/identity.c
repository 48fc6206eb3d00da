#include "rules/identity.h"

#include "rules/program_model.h"

void identity_read(struct reader *reader, struct scratch *scratch, struct identity *out)
{
    uint64_t ending = read_varint(reader);
    if (ending > ENDING_ERASED)
        ending = reader_fail(reader);
    out->ending = (enum ending)ending;
    if (out->ending == ENDING_MERGED) {
        out->merged_into = read_text(reader);
        if (out->merged_into.len == 0)
            reader_fail(reader);
    }
    if (out->ending != ENDING_NONE)
        return;
    out->merged_count = read_count(reader, 1);
    out->merged = scratch_raw(scratch, out->merged_count * sizeof *out->merged);
    for (size_t i = 0; i < out->merged_count; i++) {
        out->merged[i] = read_text(reader);
        if (i > 0 && text_compare(out->merged[i - 1], out->merged[i]) >= 0)
            reader_fail(reader);
    }
}

size_t identity_size_max(const struct identity *identity)
{
    if (identity->ending == ENDING_NONE && identity->merged_count == 0)
        return 0;
    size_t size = 2 * CODEC_VARINT_MAX + identity->merged_into.len;
    for (size_t i = 0; i < identity->merged_count; i++)
        size += CODEC_VARINT_MAX + identity->merged[i].len;
    return size;
}

void identity_write(struct writer *writer, const struct identity *identity)
{
    assert(identity->ending == ENDING_NONE || identity->merged_count == 0);
    write_varint(writer, identity->ending);
    if (identity->ending == ENDING_MERGED)
        write_text(writer, identity->merged_into);
    if (identity->ending != ENDING_NONE)
        return;
    write_varint(writer, identity->merged_count);
    for (size_t i = 0; i < identity->merged_count; i++)
        write_text(writer, identity->merged[i]);
}

static void insert(struct identity *identity, struct text id)
{
    size_t at = identity->merged_count;
    while (at > 0 && text_compare(identity->merged[at - 1], id) > 0)
        at--;
    if (at > 0 && text_equal(identity->merged[at - 1], id))
        return;
    memmove(&identity->merged[at + 1], &identity->merged[at], (identity->merged_count - at) * sizeof *identity->merged);
    identity->merged[at] = id;
    identity->merged_count++;
}

void identity_take_over(struct identity *identity, const struct identity *other, struct text id,
                        struct scratch *scratch)
{
    assert(identity->ending == ENDING_NONE);
    size_t most = identity->merged_count + other->merged_count + 1;
    struct text *ids = scratch_raw(scratch, most * sizeof *ids);
    if (identity->merged_count > 0)
        memcpy(ids, identity->merged, identity->merged_count * sizeof *ids);
    identity->merged = ids;
    insert(identity, id);
    for (size_t i = 0; i < other->merged_count; i++)
        insert(identity, other->merged[i]);
}
