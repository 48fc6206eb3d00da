-- Writes members' hashes, each only where Redis holds no newer version of it: so updates, repetitions after a lost
-- connection and a rebuild may arrive in any order. The same version is written again, which mends what was altered.
-- KEYS: one hash per member. ARGV, per member: the number of arguments that follow; 'version' and its value; fields and
-- their values; last 'program' and 'member' with their values, which never change. Versions are counts, below 2^53.
-- Returns how many were written.
local at, written = 1, 0
for _, key in ipairs(KEYS) do
    local last = at + tonumber(ARGV[at])
    local stored = redis.pcall('HGET', key, 'version')
    if type(stored) == 'table' then -- not a hash: a key of ours by name, but not by our hand
        redis.call('DEL', key)
        stored = false
    end
    if not stored or (tonumber(stored) or 0) <= tonumber(ARGV[at + 2]) then
        redis.call('HSET', key, unpack(ARGV, at + 1, stored and last - 4 or last))
        written = written + 1
    end
    at = last + 1
end
return written
