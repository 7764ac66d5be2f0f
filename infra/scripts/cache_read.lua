-- Read a cached value, or say who is to read the database for it.
--
-- All keys carry one hash tag, so they share a slot of Redis Cluster.
-- KEYS[1]  the epoch: another one from the moment that nothing cached before may be told any more
-- KEYS[2]  the value: the epoch that it was read in, ":", and the value itself
-- KEYS[3]  the lock of whoever reads the database for it: its epoch, ":", and the reader's token
-- ARGV[1]  the caller's token
-- ARGV[2]  milliseconds until a lock expires by itself
-- Returns {0, value}: there it is;
--         {1, lock, now}: the caller is to read the database, and to hand "lock" to cache_keep with
--         what it read; "now" is Redis's clock in Unix milliseconds, before that read;
--         {2}: somebody else is reading it.
-- A key of another type is no value, no lock and no epoch.

local function text(key)
  local found = redis.pcall("GET", key)
  return type(found) == "string" and found or ""
end

local prefix = text(KEYS[1]) .. ":"

local function of_this_epoch(found)
  return string.sub(found, 1, #prefix) == prefix
end

local value = text(KEYS[2])
if of_this_epoch(value) then
  return { 0, string.sub(value, #prefix + 1) }
end
local mine = prefix .. ARGV[1]
local lock = text(KEYS[3])
if of_this_epoch(lock) and lock ~= mine then
  return { 2 }
end
redis.call("SET", KEYS[3], mine, "PX", ARGV[2])
local time = redis.call("TIME")
return { 1, mine, time[1] * 1000 + math.floor(time[2] / 1000) }
