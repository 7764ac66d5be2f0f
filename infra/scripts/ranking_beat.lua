-- Say that the builder of a generation is alive.
-- KEYS[1]  the ranking's state
-- ARGV[1]  the generation being built
-- Returns 1, or 0 if another one has taken its place.

if redis.call("HGET", KEYS[1], "building") ~= ARGV[1] then
  return 0
end
redis.call("HSET", KEYS[1], "beat", redis.call("TIME")[1])
return 1
