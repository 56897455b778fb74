-- Stores values under names that are taken for listed, each only if it is still there.
-- KEYS[1…] names, any number of them
-- ARGV[1…] for each name its value and its lifetime in ms
-- returns  for each name 1, or 0 when it is gone, or the text of an error; the error itself when it befell all of them
local replies, failed = {}, 0
for i, name in ipairs(KEYS) do
  local reply = redis.pcall('SET', name, ARGV[2 * i - 1], 'PX', ARGV[2 * i], 'XX')
  if type(reply) == 'table' and reply.err then
    failed = failed + 1
    replies[i] = reply.err
  else
    replies[i] = reply and 1 or 0
  end
end
if failed == #KEYS then return redis.error_reply(replies[1]) end
-- Made in one go, since ioredis-mock takes no other table for a list.
return {unpack(replies)}
