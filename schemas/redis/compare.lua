-- Counts how members' hashes differ from what project.lua would write; takes the same keys and arguments, writes nothing.
-- Returns {missing, behind, ahead, altered}; altered: the version is right, points or tier are not.
local width = 2 * tonumber(ARGV[2])
local names = {}
for i = 1, width, 2 do
    names[i] = 'balance:' .. ARGV[(i + 5) / 2]
    names[i + 1] = 'lifetime:' .. ARGV[(i + 5) / 2]
end

local function is_ended(key, ended)
    if ended == 'erased' then
        return redis.call('HLEN', key) == 1
    end
    return redis.call('HLEN', key) == 2 and redis.call('HGET', key, 'merged_into') == string.sub(ended, 6)
end

-- tier: '' where none is held; nil where none was ever counted.
local function is_shown(key, at, tier)
    if tier and (redis.call('HGET', key, 'tier') or '') ~= tier then
        return false
    end
    if width == 0 then
        return true
    end
    local values = redis.call('HMGET', key, unpack(names))
    for i = 1, width do
        if (values[i] or '') ~= ARGV[at + 1 + i] then
            return false
        end
    end
    return true
end

local at, missing, behind, ahead, altered = 3 + width / 2, 0, 0, 0, 0
for _, key in ipairs(KEYS) do
    local stored = redis.pcall('HGET', key, 'version')
    local version, ended, tier = tonumber(ARGV[at]), ARGV[at + 1], nil
    if string.sub(ended, 1, 5) == 'tier ' then
        ended, tier = '', string.sub(ended, 6)
    end
    if not stored then
        missing = missing + (ended == 'erased' and 0 or 1)
    elseif type(stored) == 'table' or not tonumber(stored) then
        altered = altered + 1
    elseif tonumber(stored) < version then
        behind = behind + 1
    elseif tonumber(stored) > version then
        ahead = ahead + 1
    elseif ended ~= '' then
        altered = altered + (is_ended(key, ended) and 0 or 1)
    else
        altered = altered + (is_shown(key, at, tier) and 0 or 1)
    end
    at = at + width + 2
end
return {missing, behind, ahead, altered}
