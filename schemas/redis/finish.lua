-- Ends a rebuild: marks this Redis as complete, unless it was emptied or another rebuild began since the token was set.
-- KEYS: the rebuild's token, the identity, the server. ARGV: their values. Returns 1 where it is marked now.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return 0
end
redis.call('DEL', KEYS[1])
redis.call('MSET', KEYS[2], ARGV[2], KEYS[3], ARGV[3])
return 1
