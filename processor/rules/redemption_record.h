#ifndef POINTS_RULES_REDEMPTION_RECORD_H
#define POINTS_RULES_REDEMPTION_RECORD_H

#include "rules/lots.h"
#include "rules/record.h"

/* What a member's state keeps of a redemption, so that it is spent once and returns to where it came from. Bytes,
 * behind the head of every record:
 *
 *   natural flags: 1 spent, 2 cancelled; text currency, text partner, natural points, count draws: text partner, signed
 *   end in seconds, natural idle, natural points
 */

struct redemption_record {
    bool spent;
    bool cancelled; /* for ever; perhaps before it was to be spent */
    struct text currency;
    struct text partner_id;
    int64_t points;
    struct lot_draws draws; /* the lots that it came from; what is beyond them lasts for ever */
};

/* {NULL, 0} is a record with nothing in it. Texts are views into the bytes. ERR_BAD_STATE on bytes not written here. */
enum err_code redemption_record_decode(struct bytes bytes, struct scratch *scratch, struct redemption_record *out,
                                       struct err *err);

/* The bytes are scratch. */
struct bytes redemption_record_encode(const struct redemption_record *record, struct scratch *scratch);

#endif
