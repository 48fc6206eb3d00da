-- The time-zone databases that versions of programs decide by. A version keeps the one it was applied with, so that
-- every machine decides alike, now and when history is read again; another one comes into force with another version.
CREATE TABLE zone_databases (
    hash  uuid  PRIMARY KEY, -- of all names and files
    files bytea NOT NULL     -- processor/program/zones.h
);
CREATE TRIGGER zone_databases_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON zone_databases
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- null: applied before these were kept; no rule of that time read a zone.
ALTER TABLE programs ADD COLUMN zones_hash uuid REFERENCES zone_databases;

-- A version that is not yet in effect may be replaced: what was applied last is the version, the rows before it remain.
ALTER TABLE programs DROP CONSTRAINT programs_pkey, ADD PRIMARY KEY (program_id, version, revision);

CREATE VIEW program_versions AS
    SELECT DISTINCT ON (program_id, version) * FROM programs ORDER BY program_id, version, revision DESC;

-- Every entry with what it was decided under. An entry exists only where its version was in effect, and a version in
-- effect is never replaced: so its number identifies the file and the zones, and the ledger's rows need no more.
CREATE VIEW entry_terms AS
    SELECT e.member_key, e.sequence, e.program_id, e.program_version, p.revision, p.source_hash, p.zones_hash
    FROM entries e LEFT JOIN program_versions p ON p.program_id = e.program_id AND p.version = e.program_version;

GRANT SELECT, INSERT ON zone_databases TO points_runtime;
GRANT SELECT ON program_versions, entry_terms TO points_runtime;
GRANT SELECT ON zone_databases, program_versions, entry_terms TO points_reader;
