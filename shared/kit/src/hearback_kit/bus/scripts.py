"""Lua scripts for atomic operations on streams."""

from typing import Final

# KEYS: dead letters, stream. ARGV: entry id. Answers 1 when it went, 0 when it was gone already.
REPLAY: Final = """
local moved = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])
if #moved == 0 then return 0 end
local fields = {}
local entry = moved[1][2]
for i = 1, #entry, 2 do
  local name = entry[i]
  if name == 't' or name == 'v' or name == 'd' or name == 'b' or name == 'p' then
    fields[#fields + 1] = name
    fields[#fields + 1] = entry[i + 1]
  end
end
redis.call('XADD', KEYS[2], '*', unpack(fields))
redis.call('XDEL', KEYS[1], ARGV[1])
return 1
"""

# ARGV: group, consumer, then the id and count of each message. Only the owner may renew a message.
# Returns the ids that this consumer still owns.
RENEW: Final = """
local held = {}
for i = 3, #ARGV, 2 do
  local id = ARGV[i]
  local pending = redis.call('XPENDING', KEYS[1], ARGV[1], id, id, 1)
  if pending[1] and pending[1][2] == ARGV[2] then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, id, 'IDLE', 0, 'RETRYCOUNT', ARGV[i + 1], 'JUSTID')
    held[#held + 1] = id
  end
end
return held
"""

# ARGV: group, idle milliseconds. A script, so that no consumer is removed that just received a message.
FORGET: Final = """
local removed = 0
for _, row in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local consumer = {}
  for i = 1, #row, 2 do consumer[row[i]] = row[i + 1] end
  if consumer['pending'] == 0 and consumer['idle'] >= tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer['name'])
    removed = removed + 1
  end
end
return removed
"""
