#include <criterion/criterion.h>
#include <signal.h>

#include "base/machine.h"

enum { STANDING, WALKING, RUNNING, GAITS };

static const uint32_t gaits[GAITS] = {
    [STANDING] = MACHINE_BIT(WALKING),
    [WALKING] = MACHINE_BIT(STANDING) | MACHINE_BIT(RUNNING),
    [RUNNING] = MACHINE_BIT(WALKING),
};

Test(machine, follows_the_table)
{
    struct machine machine = {"gait", gaits, GAITS, STANDING};
    machine_go(&machine, WALKING);
    machine_go(&machine, RUNNING);
    cr_assert_eq(machine.state, RUNNING);
    cr_assert_not(machine_may_go(&machine, STANDING));
}

Test(machine, stops_the_process_on_a_transition_that_is_not_in_the_table, .signal = SIGABRT)
{
    struct machine machine = {"gait", gaits, GAITS, STANDING};
    machine_go(&machine, RUNNING);
}
