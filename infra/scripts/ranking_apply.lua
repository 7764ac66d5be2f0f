-- Count sales of one day into one generation of the ranking, each of them once for ever.
--
-- All keys carry one hash tag, so they share a slot of Redis Cluster.
-- KEYS[1]   the ranking's state: which generation is live, which is being built
-- KEYS[2]   seen: two bits an order, "counted" and "taken back"
-- KEYS[3]   the day's sorted set: product -> quantity below zero
-- KEYS[4]   the set of all key names of this generation, by which it is deleted
-- KEYS[5…]  windows that this day may be part of; those which exist are kept equal to their days
-- ARGV[1]   the live generation that the caller knows, "" for none
-- ARGV[2]   the generation being built that the caller knows, "" for none
-- ARGV[3]   Unix second at which the day expires
-- ARGV[4]   the sales, as JSON: [[bit in KEYS[2], 1 or -1 (counted or taken back),
--           [[product, quantity], …]], …]
-- Returns how many of the sales were new, or -1 if the caller's idea of the state is not true any
-- more; nothing was done then.

local state = redis.call("HMGET", KEYS[1], "live", "building")
if (state[1] or "") ~= ARGV[1] or (state[2] or "") ~= ARGV[2] then
  return -1
end

local changes, fresh = {}, 0
for _, sale in ipairs(cjson.decode(ARGV[4])) do
  local bit, sign, lines = unpack(sale)
  if redis.call("SETBIT", KEYS[2], bit, 1) == 0 then
    fresh = fresh + 1
    for _, line in ipairs(lines) do
      local product, quantity = unpack(line)
      changes[product] = (changes[product] or 0) - sign * quantity
    end
  end
end
if fresh == 0 then
  return 0
end

local counted = { KEYS[3] }
for index = 5, #KEYS do
  if redis.call("EXISTS", KEYS[index]) == 1 then
    counted[#counted + 1] = KEYS[index]
  end
end
for _, key in ipairs(counted) do
  for product, change in pairs(changes) do
    local score = redis.call("ZINCRBY", key, string.format("%.0f", change), product)
    if tonumber(score) == 0 then
      redis.call("ZREM", key, product)
    end
  end
end

-- A day lives until nothing can ask for it, and what was seen as long as any day it was seen for.
local lifetime = tonumber(ARGV[3]) - tonumber(redis.call("TIME")[1])

local function keep(key)
  local left = redis.call("TTL", key)
  if left == -1 or (left >= 0 and left < lifetime) then
    redis.call("EXPIREAT", key, ARGV[3])
  end
  return left == -1
end

for index = 2, 3 do
  if keep(KEYS[index]) then
    redis.call("SADD", KEYS[4], KEYS[index])
  end
end
keep(KEYS[4])
return fresh
