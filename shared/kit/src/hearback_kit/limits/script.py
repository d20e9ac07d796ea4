"""The script of the limiter: it checks many limits at once on the server."""

from typing import Final

# KEYS: counters. ARGV: per check its role, how many callers make it, how many more would be leased, how
# many limits it has, and per limit its value (-1 only counts), the quantity, and the seconds to live. Answer:
# per check how many callers pass, how many more are leased, then per limit 1 when it refuses the next one. Of
# a check all limits count, or none. Roles: 1 and 2 are parents (1 the first of a caller), 3 a child.
SCRIPT: Final = """
local lease_share = 64
local answer, parent_passed, key, at = {}, false, 0, 1
while at <= #ARGV do
  local role, callers, leased = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local count, passed, used = tonumber(ARGV[at + 3]), callers, {}
  at = at + 3
  if role == '1' then parent_passed = false end
  if role == '3' and not parent_passed then passed = 0 end
  if passed > 0 then
    for i = 1, count do
      local limit, quantity = tonumber(ARGV[at + i * 3 - 2]), tonumber(ARGV[at + i * 3 - 1])
      if limit >= 0 then
        used[i] = tonumber(redis.call('GET', KEYS[key + i]) or '0')
        local room = callers
        if quantity > 0 then
          room = math.max(0, math.floor((limit - used[i]) / quantity))
        elseif used[i] >= limit then
          room = 0
        end
        passed = math.min(passed, room)
        leased = math.max(0, math.min(leased, math.floor((room - callers) / lease_share)))
      end
    end
  end
  if passed > 0 and (role == '1' or role == '2') then parent_passed = true end
  if passed < callers then leased = 0 end
  answer[#answer + 1] = passed
  answer[#answer + 1] = leased
  for i = 1, count do
    local limit, quantity = tonumber(ARGV[at + i * 3 - 2]), tonumber(ARGV[at + i * 3 - 1])
    local rejects = 0
    if passed < callers and used[i] then
      local next_used = used[i] + (passed + 1) * quantity
      if next_used > limit or (quantity == 0 and used[i] >= limit) then rejects = 1 end
    end
    answer[#answer + 1] = rejects
    if passed > 0 and quantity > 0 then
      local sum = string.format('%.0f', (passed + leased) * quantity)
      if redis.call('INCRBY', KEYS[key + i], sum) == tonumber(sum) then
        redis.call('EXPIRE', KEYS[key + i], ARGV[at + i * 3])
      end
    end
  end
  key = key + count
  at = at + count * 3 + 1
end
return answer
"""
