#ifndef POINTS_BASE_HASH_H
#define POINTS_BASE_HASH_H

#include "base/text.h"

/* BLAKE2b-128 (RFC 7693) over the domain and the fields, each preceded by its length as eight little-endian bytes, so
 * that
 * ("ab","c") and ("a","bc") differ. The domain separates uses: "event", "member", "subject", "content", "offset". */
struct hash16 hash_fields(struct text domain, const struct text *fields, size_t count);

/* The member's key: (program, member id). Rows of a member are distributed by it. */
struct hash16 hash_member(struct text program_id, struct text member_id);

/* The event's key: CloudEvents' (source, id). */
struct hash16 hash_event(struct text source, struct text id);

/* A thing of a member that is counted once or taken back: kind "order", "product", "content" … and its name. */
struct hash16 hash_subject(struct text kind, struct text name);

/* What a member owed at that time, after so many entries: the key of the entries that settled it. */
struct hash16 hash_settlement(struct text program_id, struct text member_id, struct text obligation, int64_t due,
                              int64_t after);

/* Lower-case hexadecimal, 32 characters and a NUL. */
enum { HASH16_HEX_SIZE = 33 };
void hash16_hex(struct hash16 hash, char out[HASH16_HEX_SIZE]);

#endif
