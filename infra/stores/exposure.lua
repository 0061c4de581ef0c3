-- One change of one fixture's exposure, atomically. All of a fixture is one hash, so that a cluster keeps it together.
--
-- Fields: "s" market -> stakes of the market; "p" market outcome -> payouts owed if the outcome wins;
--         "o" market -> its outcomes with payouts owed, so that they are found without reading the whole hash;
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
  local after = redis.call('HINCRBY', hash, field, string.format('%d', by))
  if after == 0 then
    redis.call('HDEL', hash, field)
  end
  return after
end

local function outcomes_of(market)
  local outcomes = {}
  for outcome in string.gmatch(redis.call('HGET', hash, 'o' .. market) or '', '[^\31]+') do
    outcomes[#outcomes + 1] = outcome
  end
  return outcomes
end

local function list_outcome(market, outcome)
  local outcomes = outcomes_of(market)
  outcomes[#outcomes + 1] = outcome
  redis.call('HSET', hash, 'o' .. market, table.concat(outcomes, SEPARATOR))
end

local function unlist_outcome(market, outcome)
  local left = {}
  for _, listed in ipairs(outcomes_of(market)) do
    if listed ~= outcome then
      left[#left + 1] = listed
    end
  end
  if #left == 0 then
    redis.call('HDEL', hash, 'o' .. market)
  else
    redis.call('HSET', hash, 'o' .. market, table.concat(left, SEPARATOR))
  end
end

local function count(record, sign)
  local market, outcome, stake, payout = entry_of(record)
  move('s' .. market, sign * stake)
  local owed = move('p' .. market .. SEPARATOR .. outcome, sign * payout)
  if owed == 0 then
    unlist_outcome(market, outcome)
  elseif owed == sign * payout then
    list_outcome(market, outcome)
  end
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

-- The dearest of the other outcomes that can win beside this one, so many at most, any of them.
local function dearest_others(market, outcome, owed_of, count_max)
  local others, dearest = {}, {}
  if count_max > 1 then
    for _, name in ipairs(outcomes_of(market)) do
      if name ~= outcome then
        others[#others + 1] = name
      end
    end
    table.sort(others, function(one, other) return owed_of(one) > owed_of(other) end)
  end
  for place = 1, math.min(count_max - 1, #others) do
    dearest[place] = others[place]
  end
  return dearest
end

-- The other outcomes of the dearest set that holds this one, or of any set if none does, and those that no set names.
local function dearest_set(market, outcome, owed_of, sets)
  local named, dearest, owed_max = {}, {}, -1
  for set in string.gmatch(sets, '[^\30]+') do
    for name in string.gmatch(set, '[^\31]+') do
      named[name] = true
    end
  end
  for set in string.gmatch(sets, '[^\30]+') do
    local others, owed, holds = {}, 0, not named[outcome]
    for name in string.gmatch(set, '[^\31]+') do
      if name == outcome then
        holds = true
      else
        others[#others + 1], owed = name, owed + owed_of(name)
      end
    end
    if holds and owed > owed_max then
      dearest, owed_max = others, owed
    end
  end
  for _, name in ipairs(outcomes_of(market)) do
    if name ~= outcome and not named[name] then
      dearest[#dearest + 1] = name
    end
  end
  return dearest
end

-- What is owed if the outcome wins, and with it the dearest others that can win as well: {{outcome, owed}, ...}.
local function worst_winners(market, outcome, count_max, sets)
  local owed = {}
  local function owed_of(name)
    owed[name] = owed[name] or tonumber(redis.call('HGET', hash, 'p' .. market .. SEPARATOR .. name) or 0)
    return owed[name]
  end
  local others = sets == '' and dearest_others(market, outcome, owed_of, count_max)
    or dearest_set(market, outcome, owed_of, sets)
  local winners = { { outcome, owed_of(outcome) } }
  for _, name in ipairs(others) do
    winners[#winners + 1] = { name, owed_of(name) }
  end
  return winners
end

local operations = {}

-- reserve, player:request, record, largest loss, most winners, sets of winners ('' where any can win together)
-- -> {state, stakes before, outcome, owed before, ...}
function operations.reserve(key, record, loss_max, count_max, sets)
  local market, outcome, stake, payout = entry_of(record)
  local stake_total = tonumber(redis.call('HGET', hash, 's' .. market) or 0)
  local answer, owed_total = { 0, stake_total }, 0
  for _, winner in ipairs(worst_winners(market, outcome, tonumber(count_max), sets)) do
    answer[#answer + 1], answer[#answer + 2] = winner[1], winner[2]
    owed_total = owed_total + winner[2]
  end
  local held = redis.call('HGET', hash, 'r' .. key)
  if held then
    answer[1] = held == record and 2 or 3
  elseif owed_total + payout - stake_total - stake <= tonumber(loss_max) then
    add('r' .. key, record)
    answer[1] = 1
  end
  return answer
end

-- commit, player:request, record, bet id: what the reservation counts goes on to count, as the bet
function operations.commit(key, record, bet_id)
  local reservation, bet = 'r' .. key, 'b' .. bet_id
  if redis.call('HGET', hash, reservation) == record and redis.call('HSETNX', hash, bet, record) == 1 then
    redis.call('HDEL', hash, reservation)
  else
    remove(reservation)
    add(bet, record)
  end
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

return operations[ARGV[1]](ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6])
