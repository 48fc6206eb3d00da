-- The timers look for what is due. An update of a member that leaves due_at as it was stays within its page and touches
-- no index; a member that owes nothing is not in this one.
CREATE INDEX members_due ON members (due_at) WHERE due_at IS NOT NULL;
