-- Log-ins tried: each key counts those of a name from an address, or all of an address, and when the last one was.
-- KEYS: the name's count, the address's count.
-- ARGV: "note", now in ms, window in s, least and longest delay in ms, free attempts of the name, of the address.
--       "forget".
-- A note returns how many ms it came too early and whose count says so; it counts only if it came in time.

if ARGV[1] == 'forget' then
  local tried = tonumber(redis.call('HGET', KEYS[1], 'tried') or 0)
  redis.call('DEL', KEYS[1])
  if tried > 0 and redis.call('HINCRBY', KEYS[2], 'tried', -tried) <= 0 then
    redis.call('DEL', KEYS[2])
  end
  return {0, 0}
end

local now, window = tonumber(ARGV[2]), tonumber(ARGV[3])
local delay_min, delay_max = tonumber(ARGV[4]), tonumber(ARGV[5])
local early, whose = 0, 0
for index, key in ipairs(KEYS) do
  local tried = tonumber(redis.call('HGET', key, 'tried') or 0)
  local beyond = tried - tonumber(ARGV[5 + index])
  if beyond > 0 then
    local delay = math.min(delay_max, delay_min * 2 ^ math.min(beyond - 1, 30))
    local left = tonumber(redis.call('HGET', key, 'last')) + delay - now
    if left > early then
      early, whose = left, index
    end
  end
end
if early > 0 then
  return {math.ceil(early), whose}
end
for _, key in ipairs(KEYS) do
  redis.call('HINCRBY', key, 'tried', 1)
  redis.call('HSET', key, 'last', ARGV[2])
  redis.call('EXPIRE', key, window)
end
return {0, 0}
