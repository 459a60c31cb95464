-- Settles a reservation, or gives it up: the first time only.
--
-- KEYS: the reservation, then its counts, as they were reserved.
-- ARGV: its id; milliseconds for which it is remembered that it was given up; then for each count how much
--   more, or less, it came to, and the width of its slots in microseconds, which is 0 for concurrency.

local record = redis.call('GET', KEYS[1])
for index = 2, #KEYS do
  if tonumber(ARGV[2 * index]) == 0 then
    redis.call('ZREM', KEYS[index], ARGV[1])
  end
end
if not record then
  -- Settled before, or the request to reserve is still on its way: then it must come to nothing.
  redis.call('SET', KEYS[1], '', 'PX', ARGV[2])
  return
end
if record == '' then
  return
end
redis.call('DEL', KEYS[1])

-- Gives back to the slot that it was taken from.
local function give_back(key, slot, less)
  local taken = tonumber(redis.call('HGET', key, slot) or 0)
  if taken == 0 then
    return
  end
  local state = redis.call('HMGET', key, 'first', 'last')
  local first, last = tonumber(state[1]), tonumber(state[2])
  less = math.min(less, taken)
  redis.call('HINCRBY', key, 'total', whole(-less))
  if less < taken then
    redis.call('HINCRBY', key, slot, whole(-less))
    return
  end
  redis.call('HDEL', key, slot)
  if tonumber(slot) < last then
    return
  end
  for newest = last - 1, first, -1 do
    if redis.call('HEXISTS', key, whole(newest)) == 1 then
      redis.call('HSET', key, 'last', whole(newest))
      return
    end
  end
  redis.call('DEL', key)
end

local index = 2
for slot in string.gmatch(record, '%S+') do
  local more, width = tonumber(ARGV[2 * index - 1]), tonumber(ARGV[2 * index])
  if width > 0 and more < 0 then
    give_back(KEYS[index], slot, -more)
  elseif width > 0 and more > 0 then
    charge(KEYS[index], width, slide(KEYS[index], width), more)
  end
  index = index + 1
end
