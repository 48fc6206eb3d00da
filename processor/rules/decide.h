#ifndef POINTS_RULES_DECIDE_H
#define POINTS_RULES_DECIDE_H

#include "rules/work.h"

/* The deciders, one for each type of event and for the kinds of some. Each checks what it reads of the event
 * (ERR_BAD_EVENT, naming field and value) and fills the work; on an error the work is thrown away. */

enum err_code decide_order(struct work *work);
enum err_code decide_review(struct work *work);
enum err_code decide_share(struct work *work);
enum err_code decide_referral(struct work *work);
enum err_code decide_activity(struct work *work);
enum err_code decide_adjustment(struct work *work);
enum err_code decide_redemption(struct work *work);
enum err_code decide_member(struct work *work);
enum err_code decide_merge(struct work *work);
enum err_code decide_erasure(struct work *work);

/* A refund that waited meets its order, whose record is known: what it takes back is taken back. *out: the record
 * after it, scratch. For merges, where the order came to the other account. */
enum err_code order_meet_refund(struct work *work, struct member_work *member, const struct waiting_refund *refund,
                                struct bytes known, struct bytes *out);

/* Subjects' kinds, the first part of their keys. Keys stand in states for ever: never change one. */
#define SUBJECT_ORDER      TEXT("order")
#define SUBJECT_PRODUCT    TEXT("product")
#define SUBJECT_CONTENT    TEXT("content")
#define SUBJECT_REFERRAL   TEXT("referral")
#define SUBJECT_ACTIVITY   TEXT("activity")
#define SUBJECT_REDEMPTION TEXT("redemption")

/* True when the rule granted already, under any version: rules are the same where their ids are. */
enum err_code grants_have(struct work *work, const struct grants *grants, const struct rule *rule, bool *out);

/* The bit of once_record.undone that the event stands for. */
uint32_t undone_bit(const struct event *event);

/* Takes back what the record's grants hold, as far as the event concerns them. */
enum err_code once_take_back(struct work *work, struct member_work *member, struct once_record *record,
                             const struct cause *about);

#endif
