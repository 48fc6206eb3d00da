-- What all members together were granted of a budget, in one of its periods. Few rows, updated often: last in a batch's
-- transaction, so that they are locked for as short as can be.
CREATE TABLE budgets (
    budget_key uuid   PRIMARY KEY, -- hash of (program_id, the limit's key, the period)
    program_id text   NOT NULL,
    budget_id  text   NOT NULL,    -- the budget's id, or the rule's whose own it is
    begins_at  bigint NOT NULL,    -- s UTC; the smallest bigint where the budget has no periods
    ends_at    bigint NOT NULL,    -- s UTC; the largest bigint where it has none
    used       bigint NOT NULL CHECK (used >= 0) -- minor units of the point currency, or grants
) WITH (fillfactor = 20);
GRANT SELECT, INSERT, UPDATE ON budgets TO points_runtime;
GRANT SELECT ON budgets TO points_reader;
