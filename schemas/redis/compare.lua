-- Counts how members' hashes differ from what project.lua would write; takes the same keys and arguments, writes nothing.
-- Returns {missing, behind, ahead, altered}; altered: the version is right, a field is not.
local at, missing, behind, ahead, altered = 1, 0, 0, 0, 0
for _, key in ipairs(KEYS) do
    local last = at + tonumber(ARGV[at])
    local stored = redis.pcall('HGET', key, 'version')
    local version = tonumber(ARGV[at + 2])
    if not stored then
        missing = missing + 1
    elseif type(stored) == 'table' or not tonumber(stored) then
        altered = altered + 1
    elseif tonumber(stored) < version then
        behind = behind + 1
    elseif tonumber(stored) > version then
        ahead = ahead + 1
    else
        for field = at + 3, last, 2 do
            if redis.call('HGET', key, ARGV[field]) ~= ARGV[field + 1] then
                altered = altered + 1
                break
            end
        end
    end
    at = last + 1
end
return {missing, behind, ahead, altered}
