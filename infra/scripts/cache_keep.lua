-- Keep what was read from the database, unless that may no longer be told, and give the lock back.
-- What an earlier reader brings late, after its lock expired, after the epoch changed or after Redis
-- was emptied, is dropped: somebody may have kept something newer.
--
-- KEYS[1]  the epoch
-- KEYS[2]  the value
-- KEYS[3]  the lock
-- ARGV[1]  the lock, as cache_read gave it
-- ARGV[2]  the value, "" to keep none
-- ARGV[3]  Unix milliseconds, by Redis's clock, at which the value is too old
-- Returns 1 when kept, 0 when not.

if redis.call("GET", KEYS[3]) ~= ARGV[1] then
  return 0
end
redis.call("DEL", KEYS[3])
local prefix = (redis.call("GET", KEYS[1]) or "") .. ":"
if ARGV[2] == "" or string.sub(ARGV[1], 1, #prefix) ~= prefix then
  return 0
end
redis.call("SET", KEYS[2], prefix .. ARGV[2], "PXAT", ARGV[3])
return 1
