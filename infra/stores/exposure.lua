-- One change of one fixture's exposure, atomically. All of a fixture is one hash, so that a cluster keeps it together.
--
-- Fields: "s" market -> stakes of the market; "p" market outcome -> payouts owed if the outcome wins;
--         "r" player:request -> a reservation; "b" bet id -> an open bet. The last two hold what they count for.
-- KEYS[1]: the hash. ARGV: operation, then what it needs. Amounts stay far below 2^53, where Lua counts exactly.

local hash = KEYS[1]
local SEPARATOR = '\31'

local function entry_of(record)
  local market, outcome, stake, payout = string.match(record, '^(.-)\31(.-)\31(.-)\31(.-)$')
  return market, outcome, tonumber(stake), tonumber(payout)
end

local function move(field, by)
  -- An amount that is back at zero goes, and with the last one the hash.
  if redis.call('HINCRBY', hash, field, string.format('%d', by)) == 0 then
    redis.call('HDEL', hash, field)
  end
end

local function count(record, sign)
  local market, outcome, stake, payout = entry_of(record)
  move('s' .. market, sign * stake)
  move('p' .. market .. SEPARATOR .. outcome, sign * payout)
end

local function add(field, record)
  if redis.call('HSETNX', hash, field, record) == 1 then
    count(record, 1)
  end
end

local function remove(field)
  local record = redis.call('HGET', hash, field)
  if record then
    redis.call('HDEL', hash, field)
    count(record, -1)
  end
end

local operations = {}

-- reserve, player:request, record, largest loss -> {state, stakes before, payouts before}
function operations.reserve(key, record, loss_max)
  local market, outcome, stake, payout = entry_of(record)
  local stake_total = tonumber(redis.call('HGET', hash, 's' .. market) or 0)
  local owed = tonumber(redis.call('HGET', hash, 'p' .. market .. SEPARATOR .. outcome) or 0)
  local held = redis.call('HGET', hash, 'r' .. key)
  if held then
    return { held == record and 2 or 3, stake_total, owed }
  end
  if owed + payout - stake_total - stake > tonumber(loss_max) then
    return { 0, stake_total, owed }
  end
  add('r' .. key, record)
  return { 1, stake_total, owed }
end

-- commit, player:request, record, bet id
function operations.commit(key, record, bet_id)
  remove('r' .. key)
  add('b' .. bet_id, record)
  return { 1 }
end

-- release, player:request
function operations.release(key)
  remove('r' .. key)
  return { 1 }
end

-- add_bet, bet id, record
function operations.add_bet(bet_id, record)
  add('b' .. bet_id, record)
  return { 1 }
end

-- remove_bet, bet id
function operations.remove_bet(bet_id)
  remove('b' .. bet_id)
  return { 1 }
end

return operations[ARGV[1]](ARGV[2], ARGV[3], ARGV[4])
