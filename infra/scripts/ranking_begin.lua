-- Begin to build a generation beside the live one, unless somebody alive is at it.
-- KEYS[1]  the ranking's state
-- ARGV[1]  the new generation
-- ARGV[2]  seconds of silence after which a builder counts as dead
-- Returns {1, live, building}: begun; "building" is what a dead builder left, or "";
--         {0, live, building}: somebody builds that one.

local state = redis.call("HMGET", KEYS[1], "live", "building", "beat")
local live, building, beat = state[1] or "", state[2] or "", tonumber(state[3] or "0")
local now = tonumber(redis.call("TIME")[1])
if building ~= "" and now - beat < tonumber(ARGV[2]) then
  return { 0, live, building }
end
redis.call("HSET", KEYS[1], "building", ARGV[1], "beat", now)
return { 1, live, building }
