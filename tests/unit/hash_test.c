#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/hash.h"

/* Expected values: Python's hashlib.blake2b(digest_size=16) over each field after its length as '<Q', the domain first.
 */
static void expect(struct hash16 hash, const char *hex)
{
    char text[33];
    hash16_hex(hash, text);
    cr_assert_str_eq(text, hex);
}

Test(hash, keys_are_those_of_an_independent_implementation)
{
    expect(hash_member(TEXT("shop"), TEXT("m-1")), "522c43b86b02c5e4d0b6ece4e3405349");
    expect(hash_event(TEXT("/shop"), TEXT("e1")), "2c9baaa04b4bfbd7a31e05af80078a81");
    expect(hash_subject(TEXT("order"), TEXT("1001")), "3b8a43ed6674df7fb932ae1033caccd6");
    expect(hash_fields(TEXT("content"), NULL, 0), "94b918a2ef2a682f6c2537fc53b7bae2");
}

static struct hash16 hash_event_of_length(struct text source, size_t len)
{
    char *id = malloc(len);
    memset(id, 'x', len);
    struct hash16 hash = hash_event(source, (struct text){id, len});
    free(id);
    return hash;
}

Test(hash, long_fields_hash_as_short_ones_do)
{
    expect(hash_event_of_length(TEXT("/shop"), 5000), "bd0c90055489a9e4d2d60b3d5299fb07");
}

Test(hash, both_sides_of_the_length_where_the_way_of_hashing_changes)
{
    expect(hash_event_of_length(TEXT(""), 475), "b8f1f2a71639f40a0382afa2a304a7ed");
    expect(hash_event_of_length(TEXT(""), 476), "d8ef87a60779070db0fe10f3215acef5");
    expect(hash_event_of_length(TEXT(""), 483), "780aa37390d442a7b1d69766228c293f");
    expect(hash_event_of_length(TEXT(""), 484), "a2c2e8467dddc3aea8e39883f8602c84");
}

Test(hash, where_a_field_ends_matters)
{
    cr_assert_not(hash16_equal(hash_event(TEXT("ab"), TEXT("c")), hash_event(TEXT("a"), TEXT("bc"))));
    cr_assert_not(hash16_equal(hash_event(TEXT(""), TEXT("a")), hash_event(TEXT("a"), TEXT(""))));
}

Test(hash, the_same_words_in_another_domain_have_another_hash)
{
    cr_assert_not(hash16_equal(hash_event(TEXT("a"), TEXT("b")), hash_member(TEXT("a"), TEXT("b"))));
    cr_assert_not(hash16_equal(hash_member(TEXT("a"), TEXT("b")), hash_subject(TEXT("a"), TEXT("b"))));
}

Test(hash, the_empty_text_is_the_same_with_and_without_an_address)
{
    cr_assert(hash16_equal(hash_event(TEXT(""), TEXT("x")), hash_event((struct text){NULL, 0}, TEXT("x"))));
}
