#include "audit/expected.h"

#include "sink/reward_avro.h"

bool expected_reward_type(const struct ledger_row *row, enum reward_type *out)
{
    bool adds = row->to == ACCOUNT_MEMBER_AVAILABLE;
    switch (row->kind) {
    case ENTRY_ACCRUAL:
        *out = adds ? REWARD_POINTS_GRANTED : REWARD_POINTS_PENDING;
        return true;
    case ENTRY_POSTING:
        *out = REWARD_POINTS_GRANTED;
        return true;
    case ENTRY_EXPIRY:
        *out = REWARD_POINTS_EXPIRED;
        return true;
    case ENTRY_REDEMPTION_RETURNED:
        *out = REWARD_POINTS_RETURNED;
        return true;
    case ENTRY_TAKE_BACK:
        *out = REWARD_POINTS_TAKEN_BACK;
        return true;
    case ENTRY_CONVERSION:
        *out = REWARD_GRANTED;
        return true;
    case ENTRY_CONVERSION_VOIDED:
        *out = REWARD_VOIDED;
        return true;
    case ENTRY_REDEMPTION:
        *out = REWARD_POINTS_SPENT;
        return true;
    case ENTRY_ADJUSTMENT:
        *out = adds ? REWARD_POINTS_GRANTED : REWARD_POINTS_TAKEN_BACK;
        return true;
    default:
        return false;
    }
}

bool expected_content(const struct ledger_row *row, struct reward_content *out)
{
    enum reward_type type;
    if (!expected_reward_type(row, &type))
        return false;
    bool worth_differs = type == REWARD_GRANTED || type == REWARD_VOIDED;
    *out = (struct reward_content){
        .type = text_of(reward_type_name(type)),
        .program_id = row->program_id,
        .partner_id = row->partner_id,
        .member_key = row->member_key,
        .currency = worth_differs ? (struct text){NULL, 0} : row->currency,
        .rule_id = row->rule_id,
        .subject = row->subject,
        .amount = worth_differs ? 0 : row->amount,
        .occurred_at = row->occurred_at,
        .program_version = row->program_version,
    };
    return true;
}
