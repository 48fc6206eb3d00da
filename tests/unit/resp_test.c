#include <criterion/criterion.h>
#include <hiredis/hiredis.h>

#include "projection/resp.h"

static struct buffer out;

static void clean(void)
{
    buffer_release(&out);
}

TestSuite(resp, .fini = clean);

static void expect(const char *expected)
{
    cr_assert_eq(out.len, strlen(expected));
    cr_assert_eq(memcmp(out.at, expected, out.len), 0, "%.*s", (int)out.len, (const char *)out.at);
    buffer_clear(&out);
}

Test(resp, texts_are_framed_with_their_length_in_bytes)
{
    resp_command(&out, 3);
    resp_text(&out, TEXT("EVALSHA"));
    resp_text(&out, (struct text){NULL, 0});
    resp_text(&out, TEXT("gr\xc3\xbc\xc3\x9f\r\ne"));
    expect("*3\r\n$7\r\nEVALSHA\r\n$0\r\n\r\n$9\r\ngr\xc3\xbc\xc3\x9f\r\ne\r\n");
}

Test(resp, two_parts_make_one_argument)
{
    resp_joined(&out, TEXT("balance:"), TEXT("points"));
    expect("$14\r\nbalance:points\r\n");
}

Test(resp, numbers_of_any_size_and_sign_are_written_in_decimal)
{
    resp_number(&out, 0);
    expect("$1\r\n0\r\n");
    resp_number(&out, -7);
    expect("$2\r\n-7\r\n");
    resp_number(&out, INT64_MAX);
    expect("$19\r\n9223372036854775807\r\n");
    resp_number(&out, INT64_MIN);
    expect("$20\r\n-9223372036854775808\r\n");
}

Test(resp, is_what_hiredis_formats)
{
    char *theirs;
    int len = redisFormatCommand(&theirs, "EVALSHA %s %d %b", "abc", 12, "a b\0c", (size_t)5);
    resp_command(&out, 4);
    resp_text(&out, TEXT("EVALSHA"));
    resp_text(&out, TEXT("abc"));
    resp_number(&out, 12);
    resp_text(&out, (struct text){"a b\0c", 5});
    cr_assert_eq(out.len, (size_t)len);
    cr_assert_eq(memcmp(out.at, theirs, out.len), 0);
    redisFreeCommand(theirs);
}
