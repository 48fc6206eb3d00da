#include "sink/signature.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/hash.h"

static const struct text prefix = {"points1:", 8};

void signature_make(struct text group, struct text topic, int32_t partition, int64_t offset,
                    char out[SIGNATURE_LENGTH + 1])
{
    assert(partition >= 0 && offset >= 0);
    char partition_digits[16], offset_digits[24];
    snprintf(partition_digits, sizeof partition_digits, "%" PRId32, partition);
    snprintf(offset_digits, sizeof offset_digits, "%" PRId64, offset);
    const struct text fields[] = {group, topic, text_of(partition_digits), text_of(offset_digits)};
    memcpy(out, prefix.at, prefix.len);
    hash16_hex(hash_fields(TEXT("offset"), fields, sizeof fields / sizeof *fields), out + prefix.len);
}

bool signature_valid(struct text group, struct text topic, int32_t partition, int64_t offset, struct text metadata)
{
    char expected[SIGNATURE_LENGTH + 1];
    if (partition < 0 || offset < 0)
        return false;
    signature_make(group, topic, partition, offset, expected);
    return text_equal(metadata, text_of(expected));
}
