-- When a member's next obligation falls due (expiry, posting, a period's end), µs UTC; null: nothing does. It follows
-- from the state and is written with it.
ALTER TABLE members ADD COLUMN due_at bigint;
