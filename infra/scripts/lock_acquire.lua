-- Take a lock if nobody has it; taking it again with the same token is taking it, because a client
-- that missed the first answer asks again.
-- KEYS[1]  the lock
-- ARGV[1]  the taker's token
-- ARGV[2]  milliseconds until it expires by itself
-- Returns 1 when it is the taker's, 0 when somebody else holds it.
if redis.call("SET", KEYS[1], ARGV[1], "NX", "PX", ARGV[2]) then
  return 1
end
return redis.call("GET", KEYS[1]) == ARGV[1] and 1 or 0
