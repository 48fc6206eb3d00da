#include <criterion/criterion.h>

#include "sink/signature.h"

static const struct text group = {"points", 6};
static const struct text topic = {"loyalty.orders", 14};

Test(signature, one_that_we_made_is_valid_for_its_own_position_only)
{
    char metadata[SIGNATURE_LENGTH + 1];
    signature_make(group, topic, 3, 1234567890123, metadata);
    cr_assert(signature_valid(group, topic, 3, 1234567890123, text_of(metadata)));
    cr_assert_not(signature_valid(group, topic, 3, 1234567890124, text_of(metadata)));
    cr_assert_not(signature_valid(group, topic, 4, 1234567890123, text_of(metadata)));
    cr_assert_not(signature_valid(group, TEXT("loyalty.order"), 3, 1234567890123, text_of(metadata)));
    cr_assert_not(signature_valid(TEXT("point"), topic, 3, 1234567890123, text_of(metadata)));
}

Test(signature, text_is_points1_and_32_hexadecimal_digits)
{
    char metadata[SIGNATURE_LENGTH + 1];
    signature_make(group, topic, 0, 0, metadata);
    cr_assert_eq(strlen(metadata), SIGNATURE_LENGTH);
    cr_assert_eq(strncmp(metadata, "points1:", 8), 0);
    cr_assert_eq(strspn(metadata + 8, "0123456789abcdef"), 32);
}

Test(signature, metadata_of_other_tools_is_not_valid)
{
    char metadata[SIGNATURE_LENGTH + 1];
    signature_make(group, topic, 0, 5, metadata);
    cr_assert_not(signature_valid(group, topic, 0, 5, (struct text){NULL, 0}));
    cr_assert_not(signature_valid(group, topic, 0, 5, TEXT("")));
    cr_assert_not(signature_valid(group, topic, 0, 5, (struct text){metadata, SIGNATURE_LENGTH - 1}));
    cr_assert_not(signature_valid(group, topic, 0, -1001, text_of(metadata)));
}
