#ifndef POINTS_CASES_EVENT_H
#define POINTS_CASES_EVENT_H

#include "cases/cases.h"

/* One line of a case, as an event:
 *
 *   order.KIND ORDER CURRENCY [SKU=QUANTITYxPRICE[-DISCOUNT][,category=C][,label=L]...[,tax=T][,line=ID]]...
 *       discount= amount= revision= shipping= points_used= channel= coupon=
 *       of a refund: SKU=QUANTITY, or amount=, or neither for the whole order
 *   review.KIND SKU [verified]          rating= length= photos= videos= review=
 *   share.KIND NETWORK CONTENT
 *   referral.KIND REFERRER REFEREE      code= network= device= address=
 *   activity.done NAME [VALUE]          and any attribute=value
 *   redemption.KIND ID [REWARD]         points= currency= order=
 *   adjustment.made POINTS [CURRENCY]   reason= actor=
 *   member.KIND [consent]               zone= language= birthday= segment= (several) chosen_currency= merged_into=
 *                                       and any attribute=value
 *   timer.due OBLIGATION                due=
 *   until INSTANT                       a timer of that time: settles what the member owes by then
 *   show                                no event: says what the member has
 *
 * Each takes member= (ann, unless given), at= (an instant, or +2d3h after the event before; unless given, that event's
 * time; the first event's is 2026-03-01T12:00:00Z), program= (the file's first), partner=, id= and source=. Amounts
 * have the decimals that the program gives their currency. A name that differs by one letter from one of these is an
 * error; in quotes it is a sku or an attribute all the same. */

/* Where in a case the line stands. */
struct event_place {
    struct case_faults *faults;
    const struct program_set *set;
    struct text program_id; /* of events that name none */
    int64_t previous_at;    /* µs UTC: the event before it */
};

#define EVENT_FIRST_AT INT64_C(1772366400000000) /* 2026-03-01T12:00:00Z */

/* Reads the line, without its `> `. False, with faults, where something in it is not understood; *out then must not be
 * used. Fills line, text, event and named. */
bool event_read(struct text line, int number, const struct event_place *place, struct case_event *out);

#endif
