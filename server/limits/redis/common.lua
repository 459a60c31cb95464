-- Stands before each of the scripts. The only clock is Redis's own, in whole microseconds.
--
-- A window is a hash: `first` and `last` are the oldest slot that may hold something and the newest that
-- does, `total` is the sum of all slots, and each slot is a field of its number. Concurrency is a sorted
-- set of reservations by the millisecond at which their lease ends. A reservation is a string, the slots
-- that its windows were charged in, in the order of its keys.

local SLOTS = 60

local time = redis.call('TIME')
local NOW = tonumber(time[1]) * 1000000 + tonumber(time[2])

-- Lua would write large numbers with an exponent.
local function whole(number)
  return string.format('%.0f', number)
end

-- Lets a key live for at least so long.
local function keep(key, milliseconds)
  if redis.call('PTTL', key) < milliseconds then
    redis.call('PEXPIRE', key, whole(milliseconds))
  end
end

-- A window as it is now: the slot to charge, the total, the oldest and the newest slot.
local function slide(key, width)
  local slot = math.floor(NOW / width)
  local state = redis.call('HMGET', key, 'total', 'first', 'last')
  if not state[1] then
    return slot, 0, slot, slot
  end
  local total, first, last = tonumber(state[1]), tonumber(state[2]), tonumber(state[3])
  -- Everything has left the window, or the clock was set back by more than the window.
  if last < slot - SLOTS or last > slot + SLOTS then
    redis.call('DEL', key)
    return slot, 0, slot, slot
  end
  -- Time does not go back, even if the clock was set back a little.
  slot = math.max(slot, last)
  local oldest = slot - SLOTS
  if first < oldest then
    local names, gone = {}, 0
    for old = first, oldest - 1 do
      names[#names + 1] = whole(old)
    end
    for _, taken in ipairs(redis.call('HMGET', key, unpack(names))) do
      gone = gone + (tonumber(taken) or 0)
    end
    redis.call('HDEL', key, unpack(names))
    redis.call('HSET', key, 'first', whole(oldest), 'total', whole(total - gone))
    total, first = total - gone, oldest
  end
  return slot, total, first, last
end

local function charge(key, width, slot, cost)
  redis.call('HINCRBY', key, 'total', whole(cost))
  redis.call('HINCRBY', key, whole(slot), whole(cost))
  redis.call('HSETNX', key, 'first', whole(slot))
  redis.call('HSET', key, 'last', whole(slot))
  keep(key, math.ceil(2 * (SLOTS + 1) * width / 1000))
end
