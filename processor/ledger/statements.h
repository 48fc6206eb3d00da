#ifndef POINTS_LEDGER_STATEMENTS_H
#define POINTS_LEDGER_STATEMENTS_H

/* The ledger's prepared statements: X(name, sql). Arrays come sorted by key, and the session's planner settings keep to
 * nested loops over indexes, so that rows are locked in that order. */
#define LEDGER_STATEMENTS(X)                                                                                           \
    X(swap_positions, "UPDATE positions p SET applied = v.until, highest = greatest(p.highest, v.until),"              \
                      " newest_event_at = greatest(p.newest_event_at, v.newest)"                                       \
                      " FROM unnest($1::int[], $2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])"     \
                      " AS v(topic_no, partition, epoch, since, until, newest)"                                        \
                      " WHERE p.topic_no = v.topic_no AND p.partition = v.partition AND p.consumer = $7::text"         \
                      " AND p.owner_epoch = v.epoch AND p.applied = v.since")                                          \
    X(lock_revision, "SELECT revision FROM program_revision FOR SHARE")                                                \
    /* due_at: a null leaves it as it is, the largest number means that nothing falls due */                           \
    X(update_members, "UPDATE members m SET version = v.version + 1, state = v.state,"                                 \
                      " due_at = nullif(coalesce(v.due_at, m.due_at), 9223372036854775807)"                            \
                      " FROM unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::bigint[])"                              \
                      " AS v(member_key, version, state, due_at)"                                                      \
                      " WHERE m.member_key = v.member_key AND m.version = v.version")                                  \
    X(put_sides, "INSERT INTO member_records (member_key, subject_key, record)"                                        \
                 " SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bytea[])"                                          \
                 " ON CONFLICT (member_key, subject_key) DO UPDATE SET record = excluded.record")                      \
    X(insert_budgets, "INSERT INTO budgets (budget_key, program_id, budget_id, begins_at, ends_at, used)"              \
                      " SELECT *, 0 FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])"       \
                      " ON CONFLICT (budget_key) DO NOTHING")                                                          \
    X(update_budgets, "UPDATE budgets b SET used = greatest(b.used + v.amount, 0)"                                     \
                      " FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[])"                             \
                      " AS v(budget_key, amount, least, most)"                                                         \
                      " WHERE b.budget_key = v.budget_key AND b.used >= v.least AND b.used <= v.most")                 \
    X(load_budget, "SELECT used FROM budgets WHERE budget_key = $1::uuid")                                             \
    X(prune_outbox,                                                                                                    \
      "DELETE FROM outbox o USING unnest($1::int[], $2::int[], $3::bigint[]) AS v(topic_no, partition, below)"         \
      " WHERE o.topic_no = v.topic_no AND o.partition = v.partition AND o.consumer = $4::text"                         \
      " AND o.to_offset <= v.below")                                                                                   \
    X(forget_members, "UPDATE members SET member_id = '' WHERE member_key = ANY($1::uuid[])")                          \
    X(forget_sides, "UPDATE member_records SET record = '' WHERE member_key = ANY($1::uuid[])")                        \
    X(load_members, "SELECT member_key, version, state, member_id FROM members WHERE member_key = ANY($1::uuid[])")    \
    X(load_all_sides, "SELECT subject_key, record FROM member_records WHERE member_key = $1::uuid"                     \
                      " AND record <> '' ORDER BY subject_key")                                                        \
    X(load_sides,                                                                                                      \
      "SELECT v.at, r.record FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS v(member_key, subject_key, at)"         \
      " JOIN member_records r ON r.member_key = v.member_key AND r.subject_key = v.subject_key")                       \
    X(find_keys, "SELECT event_key, content FROM event_keys WHERE event_key = ANY($1::uuid[])")                        \
    X(find_refused, "SELECT input_offset FROM dead_letters WHERE topic_no = $1::int AND partition = $2::int"           \
                    " AND input_offset >= $3::bigint AND input_offset < $4::bigint ORDER BY input_offset")             \
    X(resolve_position, "SELECT owner_epoch, applied FROM positions WHERE topic_no = $1::int AND partition = $2::int"  \
                        " AND consumer = $3::text FOR UPDATE")

#endif
