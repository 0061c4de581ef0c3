-- History for analysis. Each table is ordered by what names a row in the business, so that a row that comes again, by
-- whatever way and at whatever offset, replaces itself: read with FINAL. The month is taken from that name or from a
-- time that can never differ between copies, because rows replace each other within a partition only.
-- Nothing here needs more than ClickHouse 18.16 knows.

-- Which prices a packed column of a book stands for.
CREATE TABLE IF NOT EXISTS book_layouts
(
    layout_hash UInt64,
    market_ids Array(String),
    outcome_counts Array(UInt16),
    outcome_ids Array(String)
)
ENGINE = ReplacingMergeTree()
ORDER BY layout_hash;

-- One row a published book version. Columns of prices are kept as they travel, little-endian, and unpacked when read.
CREATE TABLE IF NOT EXISTS book_versions
(
    fixture_id String,
    version UInt64,
    published_time_us Int64,
    feed_time_us Int64,
    fixture_status UInt8,
    period UInt8,
    home_score UInt32,
    away_score UInt32,
    clock_seconds Int32,
    layout_hash UInt64,
    market_statuses_packed String,
    suspension_reasons_packed String,
    market_versions_packed String,
    decimal_odds_milli_packed String,
    topic_partition UInt32,
    topic_offset UInt64,
    published_time DateTime ALIAS toDateTime(intDiv(published_time_us, 1000000), 'UTC'),
    market_statuses Array(UInt8) ALIAS
        arrayMap(i -> reinterpretAsUInt8(substring(market_statuses_packed, i + 1, 1)),
                 range(length(market_statuses_packed))),
    suspension_reasons Array(UInt8) ALIAS
        arrayMap(i -> reinterpretAsUInt8(substring(suspension_reasons_packed, i + 1, 1)),
                 range(length(suspension_reasons_packed))),
    market_versions Array(UInt64) ALIAS
        arrayMap(i -> reinterpretAsUInt64(substring(market_versions_packed, i * 8 + 1, 8)),
                 range(intDiv(length(market_versions_packed), 8))),
    decimal_odds_milli Array(UInt32) ALIAS
        arrayMap(i -> reinterpretAsUInt32(substring(decimal_odds_milli_packed, i * 4 + 1, 4)),
                 range(intDiv(length(decimal_odds_milli_packed), 4)))
)
ENGINE = ReplacingMergeTree()
PARTITION BY toYYYYMM(toDateTime(intDiv(version, 1000000), 'UTC'))
ORDER BY (fixture_id, version);

-- One row a change of a bet; legs as arrays.
CREATE TABLE IF NOT EXISTS bet_events
(
    transaction_id UInt64,
    outbox_row_id UInt64,
    bet_id String,
    player_id String,
    kind UInt8,
    time_us Int64,
    amount_minor Int64,
    currency String,
    status UInt8,
    stake_minor Int64,
    potential_return_minor Int64,
    return_minor Int64,
    fixture_ids Array(String),
    market_ids Array(String),
    outcome_ids Array(String),
    decimal_odds_milli Array(UInt32),
    book_versions Array(UInt64),
    are_in_play Array(UInt8),
    topic_partition UInt32,
    topic_offset UInt64,
    time DateTime ALIAS toDateTime(intDiv(time_us, 1000000), 'UTC')
)
ENGINE = ReplacingMergeTree()
PARTITION BY toYYYYMM(toDateTime(intDiv(time_us, 1000000), 'UTC'))
ORDER BY (transaction_id, outbox_row_id, bet_id);

-- One row a leg of a committed transfer: sums here must equal the ledger's to the minor unit.
CREATE TABLE IF NOT EXISTS ledger_transfers
(
    provider String,
    key String,
    leg UInt32,
    transfer_id String,
    debit_account_id String,
    credit_account_id String,
    amount_minor Int64,
    currency String,
    kind String,
    time_us Int64,
    transaction_id UInt64,
    outbox_row_id UInt64,
    topic_partition UInt32,
    topic_offset UInt64,
    time DateTime ALIAS toDateTime(intDiv(time_us, 1000000), 'UTC')
)
ENGINE = ReplacingMergeTree()
PARTITION BY toYYYYMM(toDateTime(intDiv(time_us, 1000000), 'UTC'))
ORDER BY (provider, key, leg);

-- One row a published liability of a fixture; markets as arrays.
CREATE TABLE IF NOT EXISTS liabilities
(
    fixture_id String,
    version UInt64,
    time_us Int64,
    currency String,
    worst_loss_minor Int64,
    turnover_minor Int64,
    market_ids Array(String),
    market_stakes_minor Array(Int64),
    market_worst_losses_minor Array(Int64),
    market_bet_counts Array(UInt32),
    topic_partition UInt32,
    topic_offset UInt64,
    time DateTime ALIAS toDateTime(intDiv(time_us, 1000000), 'UTC')
)
ENGINE = ReplacingMergeTree()
PARTITION BY toYYYYMM(toDateTime(intDiv(version, 1000000), 'UTC'))
ORDER BY (fixture_id, version);
