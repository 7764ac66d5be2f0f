-- Make the generation that was built the live one.
-- KEYS[1]  the ranking's state
-- ARGV[1]  the generation that was built
-- ARGV[2…] field, value, …: the record of this rebuild, kept in the state
-- Returns the generation that was live before, "" for none, or false if another builder has taken
-- the place of this one.

if redis.call("HGET", KEYS[1], "building") ~= ARGV[1] then
  return false
end
local before = redis.call("HGET", KEYS[1], "live") or ""
redis.call("HDEL", KEYS[1], "building", "beat")
redis.call("HSET", KEYS[1], "live", ARGV[1], unpack(ARGV, 2))
return before
