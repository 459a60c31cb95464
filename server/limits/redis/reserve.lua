-- Takes of all counts at once, or of none.
--
-- KEYS: the reservation, then its counts.
-- ARGV: its id; milliseconds of a lease; milliseconds that its own key lives; how long concurrency is said
--   to wait, in microseconds; then for each count its cost, the amount that is allowed, and the width of its
--   slots in microseconds, which is 0 for concurrency.
-- Returns whether it was taken, 1 or 0; then for each count what is used, the microseconds until it is free,
--   and until the cost fits: 0 when it does, -1 for never. Nothing, when the reservation was given up before.

-- Whoever asked has stopped waiting, and has said so before this came.
if redis.call('EXISTS', KEYS[1]) == 1 then
  return {}
end

local id, lease, life, guess = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

-- How long until so much of what is used has left a window.
local function until_less(key, width, first, last, excess)
  local names = {}
  for slot = first, last do
    names[#names + 1] = whole(slot)
  end
  for index, taken in ipairs(redis.call('HMGET', key, unpack(names))) do
    excess = excess - (tonumber(taken) or 0)
    if excess <= 0 then
      return (first + index - 1 + SLOTS + 1) * width - NOW
    end
  end
  return (last + SLOTS + 1) * width - NOW
end

local counts, fits = {}, true
for index = 2, #KEYS do
  local at = 5 + 3 * (index - 2)
  local key = KEYS[index]
  local count = {cost = tonumber(ARGV[at]), width = tonumber(ARGV[at + 2]), wait = 0}
  local amount = tonumber(ARGV[at + 1])
  if count.width == 0 then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', whole(math.floor(NOW / 1000)))
    count.used = redis.call('ZCARD', key)
  else
    count.slot, count.used, count.first, count.last = slide(key, count.width)
  end
  local excess = count.used + count.cost - amount
  if excess > 0 then
    fits = false
    if count.cost > amount then
      count.wait = -1
    elseif count.width == 0 then
      count.wait = guess
    else
      count.wait = until_less(key, count.width, count.first, count.last, excess)
    end
  end
  counts[index] = count
end

local answer, slots = {fits and 1 or 0}, {}
for index = 2, #KEYS do
  local count = counts[index]
  local free = 0
  if count.width == 0 then
    if fits then
      redis.call('ZADD', KEYS[index], whole(math.floor(NOW / 1000) + lease), id)
      keep(KEYS[index], lease)
      count.used = count.used + 1
    end
    slots[#slots + 1] = '0'
  else
    if fits and count.cost > 0 then
      charge(KEYS[index], count.width, count.slot, count.cost)
      count.used = count.used + count.cost
      count.last = count.slot
    end
    if count.used > 0 then
      free = (count.last + SLOTS + 1) * count.width - NOW
    end
    slots[#slots + 1] = whole(count.slot)
  end
  answer[#answer + 1] = count.used
  answer[#answer + 1] = free
  answer[#answer + 1] = count.wait
end
if fits then
  redis.call('SET', KEYS[1], table.concat(slots, ' '), 'PX', whole(life))
end
return answer
