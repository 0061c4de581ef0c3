-- One row a round of our own games, with what was drawn for it.
CREATE TABLE IF NOT EXISTS casino_rounds
(
    round_id String,
    player_id String,
    account_id String,
    game_code String,
    game_version UInt32,
    stops Array(UInt16),
    stake_minor Int64,
    win_minor Int64,
    currency String,
    time_us Int64,
    transaction_id UInt64,
    outbox_row_id UInt64,
    topic_partition UInt32,
    topic_offset UInt64,
    time DateTime ALIAS toDateTime(intDiv(time_us, 1000000), 'UTC')
)
ENGINE = ReplacingMergeTree()
PARTITION BY toYYYYMM(toDateTime(intDiv(time_us, 1000000), 'UTC'))
ORDER BY (account_id, time_us, round_id);
