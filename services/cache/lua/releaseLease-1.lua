-- Gives a lease up if this holder has it. Compare and delete must be one step: the lease may expire in between and
-- belong to somebody else.
-- KEYS[1]  name of the lease
-- ARGV[1]  token of the holder
-- returns  1 when it was held and is free now, 0 when another holder or nobody has it
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
