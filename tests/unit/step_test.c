#include <criterion/criterion.h>

#include "casebook.h"

#define CASES(name, file)                                                                                              \
    Test(step, name)                                                                                                   \
    {                                                                                                                  \
        casebook_run("tests/unit/cases/" file);                                                                        \
    }

CASES(refunds_take_back_what_no_longer_was_earned, "refunds.txt")
CASES(clamped_refunds_take_what_is_there_and_forget_the_rest, "clamp.txt")
