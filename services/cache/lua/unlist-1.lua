-- Takes names from the list of a tag after their values were removed, unless they were listed anew meanwhile: such a
-- name has a value again, which could not be found any more without its listing.
-- KEYS[1]  sorted set of one tag: name -> when its value has expired at the latest
-- ARGV[1…] pairs of name and the score that it was seen with
-- returns  how many names were taken out
local gone = 0
for i = 1, #ARGV, 2 do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if score and tonumber(score) == tonumber(ARGV[i + 1]) then
    gone = gone + redis.call('ZREM', KEYS[1], ARGV[i])
  end
end
return gone
