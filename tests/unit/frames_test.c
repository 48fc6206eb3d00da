#include <criterion/criterion.h>

#include "sink/frames.h"

static struct bytes bytes_of(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

static const struct frame_header original_headers[] = {{{"trace", 5}, {(const uint8_t *)"1", 1}},
                                                       {{"none", 4}, {NULL, 0}}};

static struct frame dead_letter(void)
{
    return (struct frame){.kind = FRAME_DEAD_LETTER,
                          .offset = 1LL << 40,
                          .index = 0,
                          .key = {NULL, 0},
                          .value = {(const uint8_t *)"", 0},
                          .time = -1,
                          .reason = TEXT("undecodable"),
                          .stage = TEXT("decode"),
                          .detail = TEXT("byte 3"),
                          .headers = original_headers,
                          .header_count = 2};
}

Test(frames, give_back_what_was_appended_and_tell_null_from_empty)
{
    struct buffer frames = {0};
    struct frame_header headers[FRAME_HEADERS_MAX];
    struct frame reward = {.kind = FRAME_REWARD,
                           .offset = 7,
                           .index = 3,
                           .key = bytes_of("m1"),
                           .value = bytes_of("avro"),
                           .time = 1700000000000000,
                           .type = TEXT("points.granted"),
                           .program_id = TEXT("shop")};
    struct frame dead = dead_letter(), got;
    size_t at = 0;
    frame_append(&frames, &reward);
    frame_append(&frames, &dead);

    cr_assert_eq(frame_next(buffer_view(&frames), &at, &got, headers, NULL), ERR_NONE);
    cr_assert_eq(got.offset, 7);
    cr_assert_eq(got.index, 3);
    cr_assert_eq(got.time, 1700000000000000);
    cr_assert(text_equal(got.type, TEXT("points.granted")));
    cr_assert_eq(got.value.len, 4);

    cr_assert_eq(frame_next(buffer_view(&frames), &at, &got, headers, NULL), ERR_NONE);
    cr_assert_eq(got.offset, 1LL << 40);
    cr_assert_null(got.key.at);
    cr_assert_not_null(got.value.at);
    cr_assert_eq(got.value.len, 0);
    cr_assert_eq(got.header_count, 2);
    cr_assert(text_equal(got.headers[0].name, TEXT("trace")));
    cr_assert_null(got.headers[1].value.at);
    cr_assert(text_equal(got.detail, TEXT("byte 3")));
    cr_assert_eq(at, frames.len);
    buffer_release(&frames);
}

Test(frames, keep_the_id_of_what_was_owed)
{
    struct buffer frames = {0};
    struct frame_header headers[FRAME_HEADERS_MAX];
    struct frame owed = {.kind = FRAME_REWARD,
                         .offset = 7,
                         .key = bytes_of("m1"),
                         .value = bytes_of("avro"),
                         .type = TEXT("points.expired"),
                         .program_id = TEXT("shop"),
                         .id = TEXT("due.0.1")};
    struct frame other = {.kind = FRAME_REWARD, .offset = 8, .type = TEXT("points.granted")}, got;
    size_t at = 0;
    frame_append(&frames, &owed);
    frame_append(&frames, &other);
    cr_assert_eq(frame_next(buffer_view(&frames), &at, &got, headers, NULL), ERR_NONE);
    cr_assert_eq(got.kind, FRAME_REWARD);
    cr_assert(text_equal(got.id, TEXT("due.0.1")) && text_equal(got.program_id, TEXT("shop")));
    cr_assert_eq(frame_next(buffer_view(&frames), &at, &got, headers, NULL), ERR_NONE);
    cr_assert(got.kind == FRAME_REWARD && got.id.len == 0 && got.offset == 8);
    buffer_release(&frames);
}

Test(frames, refuse_every_truncation)
{
    struct buffer frames = {0};
    struct frame_header headers[FRAME_HEADERS_MAX];
    struct frame dead = dead_letter(), got;
    frame_append(&frames, &dead);
    for (size_t len = 0; len < frames.len; len++) {
        size_t at = 0;
        cr_assert_eq(frame_next((struct bytes){frames.at, len}, &at, &got, headers, NULL), ERR_OUTBOX_GAP, "%zu", len);
        cr_assert_eq(at, 0);
    }
    buffer_release(&frames);
}

Test(frames, never_read_past_the_end_of_altered_bytes)
{
    struct buffer frames = {0};
    struct frame_header headers[FRAME_HEADERS_MAX];
    struct frame dead = dead_letter(), got;
    frame_append(&frames, &dead);
    for (size_t i = 0; i < frames.len * 256; i++) {
        uint8_t kept = frames.at[i / 256];
        size_t at = 0;
        frames.at[i / 256] = (uint8_t)i;
        enum err_code code = frame_next(buffer_view(&frames), &at, &got, headers, NULL);
        cr_assert(code == ERR_OUTBOX_GAP || at <= frames.len);
        frames.at[i / 256] = kept;
    }
    buffer_release(&frames);
}
