-- Keeps reservations alive.
--
-- KEYS: reservations, and the counts of concurrency that they hold.
-- ARGV: milliseconds of a lease; milliseconds that the key of a reservation lives; then for each key the id of
--   the reservation that holds it, and nothing where the key is a reservation itself.

local lease, life = tonumber(ARGV[1]), tonumber(ARGV[2])
local ends = whole(math.floor(NOW / 1000) + lease)
for index, key in ipairs(KEYS) do
  local id = ARGV[index + 2]
  if id == '' then
    redis.call('PEXPIRE', key, whole(life))
  else
    -- Also where it was lost, as when Redis was started anew: it does run.
    redis.call('ZADD', key, ends, id)
    keep(key, lease)
  end
end
