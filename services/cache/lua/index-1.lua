-- Lists names under a tag until their values have expired, and forgets those whose values are gone. One step, because
-- the list must outlive what it names and nothing else: its own lifetime follows from what is in it.
-- KEYS[1]  sorted set of one tag: name -> when its value has expired at the latest (ms since 1970)
-- ARGV[1]  now in ms; names up to here are forgotten, 100 at most, so that no call takes long
-- ARGV[2…] pairs of expiry in ms and name
-- returns  how many names were forgotten
-- A later expiry stays, since another process may rely on it; it is raised by one all the same, so that who has seen a
-- name listed before (unlist-1.lua) knows that it was listed anew.
local now = tonumber(ARGV[1])
for i = 2, #ARGV, 2 do
  local known = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i + 1]) or 0)
  redis.call('ZADD', KEYS[1], string.format('%.3f', math.max(known + 1, tonumber(ARGV[i]))), ARGV[i + 1])
end
local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 100)
if #gone > 0 then
  redis.call('ZREM', KEYS[1], unpack(gone))
end
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if last[2] then
  redis.call('PEXPIRE', KEYS[1], math.max(1, math.ceil(tonumber(last[2]) - now)))
end
return #gone
