-- Three roles: the owner migrates, the runtime role inserts but can neither update nor delete what is append-only, the
-- read-only role is for people and reports. Roles belong to the cluster: they may exist already, and another database of
-- the cluster may be making them at this moment.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['points_runtime', 'points_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;
            END;
        END IF;
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), wanted);
    END LOOP;
END $$;

GRANT SELECT, INSERT ON event_keys, entries, programs, dead_letters, topics TO points_runtime;
GRANT SELECT, INSERT, UPDATE ON positions, members, member_records, projection, program_revision TO points_runtime;
GRANT SELECT, INSERT, DELETE ON outbox TO points_runtime;
GRANT SELECT ON postings TO points_runtime;

GRANT SELECT ON event_keys, entries, programs, dead_letters, topics, positions, members, member_records, projection,
    program_revision, outbox, postings TO points_reader;
