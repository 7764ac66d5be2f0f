-- Give a lock back, unless it has expired and is somebody else's by now.
-- KEYS[1]  the lock
-- ARGV[1]  the taker's token
-- Returns 1 when given back, 0 when it was not ours any more.
if redis.call("GET", KEYS[1]) == ARGV[1] then
  return redis.call("DEL", KEYS[1])
end
return 0
