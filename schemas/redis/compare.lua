-- Counts how members' hashes differ from what project.lua would write; takes the same keys and arguments, writes nothing.
-- Returns {missing, behind, ahead, altered}; altered: the version is right, points are not.
local width = 2 * tonumber(ARGV[2])
local names = {}
for i = 1, width, 2 do
    names[i] = 'balance:' .. ARGV[(i + 5) / 2]
    names[i + 1] = 'lifetime:' .. ARGV[(i + 5) / 2]
end

local at, missing, behind, ahead, altered = 3 + width / 2, 0, 0, 0, 0
for _, key in ipairs(KEYS) do
    local stored = redis.pcall('HGET', key, 'version')
    local version = tonumber(ARGV[at])
    if not stored then
        missing = missing + 1
    elseif type(stored) == 'table' or not tonumber(stored) then
        altered = altered + 1
    elseif tonumber(stored) < version then
        behind = behind + 1
    elseif tonumber(stored) > version then
        ahead = ahead + 1
    elseif width > 0 then
        local values = redis.call('HMGET', key, unpack(names))
        for i = 1, width do
            if (values[i] or '') ~= ARGV[at + i] then
                altered = altered + 1
                break
            end
        end
    end
    at = at + width + 1
end
return {missing, behind, ahead, altered}
