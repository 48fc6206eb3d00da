#include "rules/event.h"

#include <assert.h>

const char *event_type_name(enum event_type type)
{
    static const char *const names[EVENT_TYPE_COUNT] = {
        [EVENT_ORDER] = "order",           [EVENT_REVIEW] = "review",     [EVENT_SHARE] = "share",
        [EVENT_REFERRAL] = "referral",     [EVENT_ACTIVITY] = "activity", [EVENT_REDEMPTION] = "redemption",
        [EVENT_ADJUSTMENT] = "adjustment", [EVENT_MEMBER] = "member",     [EVENT_TIMER] = "timer",
    };
    assert((unsigned)type < EVENT_TYPE_COUNT);
    return names[type];
}

const char *event_kind_name(enum event_kind kind)
{
    static const char *const names[EVENT_KIND_COUNT] = {[KIND_UNKNOWN] = "unknown",
#define X(kind, type, name) [kind] = name,
                                                        EVENT_KINDS(X)
#undef X
    };
    assert((unsigned)kind < EVENT_KIND_COUNT);
    return names[kind];
}

const char *share_network_name(enum share_network network)
{
    static const char *const names[NETWORK_COUNT] = {
#define X(network, name) [network] = name,
        SHARE_NETWORKS(X)
#undef X
    };
    assert((unsigned)network < NETWORK_COUNT);
    return names[network];
}
