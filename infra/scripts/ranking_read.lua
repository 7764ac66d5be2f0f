-- Read the best sellers of a window of days from the live generation.
-- The window's own sorted set is made when it is first asked for, and ranking_apply keeps it equal
-- to its days from then on: adding up thirty days takes Redis some 100 ms, reading them added up
-- takes microseconds.
--
-- KEYS[1]   the ranking's state
-- KEYS[2]   the set of all key names of this generation
-- KEYS[3]   the window's sorted set
-- KEYS[4…]  the sorted sets of its days
-- ARGV[1]   the generation that the caller takes for the live one
-- ARGV[2]   how many products
-- ARGV[3]   seconds that a window is kept after it was last asked for
-- Returns product, quantity below zero, product, … or false if that generation is not live.

if redis.call("HGET", KEYS[1], "live") ~= ARGV[1] then
  return false
end
if redis.call("EXISTS", KEYS[3]) == 0 then
  redis.call("ZUNIONSTORE", KEYS[3], #KEYS - 3, unpack(KEYS, 4))
  redis.call("SADD", KEYS[2], KEYS[3])
end
redis.call("EXPIRE", KEYS[3], ARGV[3])
return redis.call("ZRANGEBYSCORE", KEYS[3], "-inf", "(0", "WITHSCORES", "LIMIT", 0, ARGV[2])
