-- The ledger, the positions, the outbox. Every primary key begins with what its table would be distributed by: members'
-- rows by the member's key, event keys by their own hash, the rest is small and would be a reference table.

-- A topic of a cluster in one incarnation: a topic deleted and made anew gets another number, so that
-- (topic_no, partition, offset) names one record for ever.
CREATE TABLE topics (
    topic_no    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cluster_id  text    NOT NULL,
    name        text    NOT NULL,
    incarnation integer NOT NULL DEFAULT 1,
    UNIQUE (cluster_id, name, incarnation)
);

-- P, the position that the ledger has applied, and the epoch of the instance that owns the partition.
CREATE TABLE positions (
    topic_no    integer NOT NULL REFERENCES topics,
    partition   integer NOT NULL,
    consumer    text    NOT NULL,            -- the consumer group
    applied     bigint  NOT NULL DEFAULT 0,  -- P: the next offset to apply
    highest     bigint  NOT NULL DEFAULT 0,  -- the highest P ever: below it a replay is under way
    owner_epoch bigint  NOT NULL DEFAULT 0,
    newest_event_at bigint NOT NULL DEFAULT 0, -- newest occurred_at seen, µs UTC: the partition's part of the watermark
    PRIMARY KEY (topic_no, partition, consumer)
) WITH (fillfactor = 20);

-- The set of programs. Each batch compares the revision; `points program apply` raises it.
CREATE TABLE program_revision (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    revision bigint  NOT NULL
);
INSERT INTO program_revision (revision) VALUES (1);

CREATE TABLE programs (
    program_id   text        NOT NULL,
    version      bigint      NOT NULL,
    effective_at bigint      NOT NULL, -- µs UTC
    source       text        NOT NULL, -- the file as applied
    source_hash  bytea       NOT NULL, -- sha256
    revision     bigint      NOT NULL, -- of the set, from which on it counts
    applied_at   timestamptz NOT NULL DEFAULT now(),
    applied_by   text        NOT NULL DEFAULT session_user,
    PRIMARY KEY (program_id, version)
);

-- A business event counts once, for ever: (source, id) hashed, with the hash of its canonical content.
CREATE TABLE event_keys (
    event_key uuid PRIMARY KEY,
    content   uuid NOT NULL
);

-- Members' states: bytes that the rules core reads and writes, under an optimistic version.
CREATE TABLE members (
    member_key uuid   PRIMARY KEY, -- hash of (program_id, member_id)
    version    bigint NOT NULL,
    program_id text   NOT NULL,
    member_id  text   NOT NULL,
    state      bytea  NOT NULL
) WITH (fillfactor = 75);
ALTER TABLE members ALTER COLUMN state SET STORAGE MAIN;

-- Records about one thing of a member (an order, a product reviewed, a content shared) that no longer fit into its state.
CREATE TABLE member_records (
    member_key  uuid  NOT NULL,
    subject_key uuid  NOT NULL,
    record      bytea NOT NULL,
    PRIMARY KEY (member_key, subject_key)
);

-- The ledger: each row transfers `amount` from one account to another, so that all accounts sum to zero.
-- The accounts are named by (program_id, partner_id, currency, kind) and, for kinds 2 and 3, the member.
CREATE TABLE entries (
    member_key      uuid     NOT NULL,
    sequence        bigint   NOT NULL, -- 1, 2, … per member
    event_key       uuid     NOT NULL,
    amount          bigint   NOT NULL CHECK (amount > 0),
    wanted          bigint   NOT NULL,
    occurred_at     bigint   NOT NULL, -- of the event, µs UTC
    input_offset    bigint   NOT NULL,
    topic_no        integer  NOT NULL,
    partition       integer  NOT NULL,
    program_version integer  NOT NULL,
    kind            smallint NOT NULL,
    from_account    smallint NOT NULL CHECK (from_account <> to_account),
    to_account      smallint NOT NULL,
    program_id      text     NOT NULL,
    partner_id      text     NOT NULL,
    currency        text     NOT NULL,
    rule_id         text     NOT NULL,
    subject         text     NOT NULL,
    PRIMARY KEY (member_key, sequence)
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: a correction is a new row', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER event_keys_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event_keys
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER programs_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON programs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Records that were refused, by coordinates: a replay does not refuse them again.
CREATE TABLE dead_letters (
    topic_no     integer NOT NULL,
    partition    integer NOT NULL,
    input_offset bigint  NOT NULL,
    reason       text    NOT NULL,
    stage        text    NOT NULL,
    detail       text    NOT NULL,
    event_key    uuid,
    PRIMARY KEY (topic_no, partition, input_offset)
);

-- Outputs applied but perhaps not published: one row covers one batch and one partition, [from_offset, to_offset).
-- frames: the outputs' exact bytes, tagged by input offset (processor/sink/frames.h).
CREATE TABLE outbox (
    topic_no    integer NOT NULL,
    partition   integer NOT NULL,
    consumer    text    NOT NULL,
    from_offset bigint  NOT NULL,
    to_offset   bigint  NOT NULL CHECK (to_offset > from_offset),
    frames      bytea   NOT NULL,
    touched     bytea   NOT NULL, -- keys of the members that the batch changed, for the projection
    PRIMARY KEY (topic_no, partition, consumer, from_offset)
);
ALTER TABLE outbox ALTER COLUMN frames SET STORAGE EXTENDED, ALTER COLUMN frames SET COMPRESSION lz4;
ALTER TABLE outbox ALTER COLUMN touched SET STORAGE EXTERNAL;

-- What Redis shows. stale: updates were dropped while it was away, so that it must be rebuilt from members.
CREATE TABLE projection (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    identity uuid    NOT NULL DEFAULT gen_random_uuid(), -- stands in Redis too: a Redis without it was emptied
    stale    boolean NOT NULL DEFAULT true
);
INSERT INTO projection DEFAULT VALUES;

-- Both lines of each entry, signed; sum(amount) over any set of whole entries is zero.
CREATE VIEW postings AS
    SELECT member_key, sequence, program_id, partner_id, currency, from_account AS account, -amount AS amount FROM entries
    UNION ALL
    SELECT member_key, sequence, program_id, partner_id, currency, to_account, amount FROM entries;
