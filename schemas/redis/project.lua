-- Writes members' hashes, each only where Redis holds no newer version of it: so updates, repetitions after a lost
-- connection and a rebuild may arrive in any order. The same version is written again, which mends what was altered.
-- KEYS: one hash per member, PREFIX:{PROGRAM/MEMBER}. ARGV: the place in each key where PROGRAM begins; how many
-- currencies the members have together; their names; then per member its version, how its account stands ('' or 'tier '
-- and the level that it holds, if any, where it goes on; 'erased', or 'into ' and the member that it was merged into) and,
-- for each of the currencies, its available and lifetime points, empty where it has none of that currency. Versions are
-- counts, below 2^53.
-- Of a merged account nothing stays but where it went; of an erased one its version for an hour, in which an older
-- update that comes late finds it.
-- Returns how many were written.
local begin, width = tonumber(ARGV[1]), 2 * tonumber(ARGV[2])
local names = {}
for i = 1, width, 2 do
    names[i] = 'balance:' .. ARGV[(i + 5) / 2]
    names[i + 1] = 'lifetime:' .. ARGV[(i + 5) / 2]
end

local function write_ended(key, version, ended)
    redis.call('DEL', key)
    redis.call('HSET', key, 'version', version)
    if ended == 'erased' then
        redis.call('EXPIRE', key, 3600)
    else
        redis.call('HSET', key, 'merged_into', string.sub(ended, 6))
    end
end

local at, written, row = 3 + width / 2, 0, {'version'}
for _, key in ipairs(KEYS) do
    local stored = redis.pcall('HGET', key, 'version')
    if type(stored) == 'table' then -- not a hash: a key of ours by name, but not by our hand
        redis.call('DEL', key)
        stored = false
    end
    local ended, tier = ARGV[at + 1], nil
    if string.sub(ended, 1, 5) == 'tier ' then
        ended, tier = '', string.sub(ended, 6)
    end
    if ended ~= '' and (not stored or (tonumber(stored) or 0) <= tonumber(ARGV[at])) then
        write_ended(key, ARGV[at], ended)
        written = written + 1
    elseif not stored or (tonumber(stored) or 0) <= tonumber(ARGV[at]) then
        local last = 2
        row[2] = ARGV[at]
        for i = 1, width do
            local value = ARGV[at + 1 + i]
            if value ~= '' then
                row[last + 1], row[last + 2] = names[i], value
                last = last + 2
            end
        end
        if tier and tier ~= '' then
            row[last + 1], row[last + 2] = 'tier', tier
            last = last + 2
        elseif tier and stored then
            redis.call('HDEL', key, 'tier')
        end
        if not stored then
            local slash = string.find(key, '/', begin, true)
            row[last + 1], row[last + 2] = 'program', string.sub(key, begin, slash - 1)
            row[last + 3], row[last + 4] = 'member', string.sub(key, slash + 1, -2)
            last = last + 4
        end
        redis.call('HSET', key, unpack(row, 1, last))
        written = written + 1
    end
    at = at + width + 2
end
return written
