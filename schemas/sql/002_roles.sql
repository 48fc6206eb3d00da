-- Three roles: the owner migrates, the runtime role inserts but can neither update nor delete what is append-only, the
-- read-only role is for people and reports. Roles belong to the cluster, so they may exist already.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'points_runtime') THEN
        CREATE ROLE points_runtime NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'points_reader') THEN
        CREATE ROLE points_reader NOLOGIN;
    END IF;
END $$;

GRANT SELECT, INSERT ON event_keys, entries, programs, dead_letters, topics TO points_runtime;
GRANT SELECT, INSERT, UPDATE ON positions, members, member_records, projection, program_revision TO points_runtime;
GRANT SELECT, INSERT, DELETE ON outbox TO points_runtime;
GRANT SELECT ON postings TO points_runtime;

GRANT SELECT ON event_keys, entries, programs, dead_letters, topics, positions, members, member_records, projection,
    program_revision, outbox, postings TO points_reader;
