-- Timers that came and settled nothing, because they were refused: they are not sent again before the programs, or the
-- time due, have changed, or an hour has passed.
CREATE TABLE timers_in_vain (
    member_key uuid        PRIMARY KEY,
    due_at     bigint      NOT NULL, -- of the timer, µs UTC
    revision   bigint      NOT NULL, -- of the set of programs when it was sent
    noted_at   timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT, UPDATE ON timers_in_vain TO points_runtime;
GRANT SELECT ON timers_in_vain TO points_reader;
