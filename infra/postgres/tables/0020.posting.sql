-- depends: 0019.reasons-of-set-aside-bets

-- What ledger.post is given. A command: under which key of which provider, of which content, and what its answer says
-- once it is accepted, its account's balance beside it where that is told. The account is that whose lock orders the
-- commands of one key: none for one that moves nothing. After not_after_us by the ledger's clock nothing is decided,
-- and of its refusals no more are stored than are left.
CREATE TYPE ledger.asked AS (
    provider text,
    key text,
    fingerprint bytea,
    account_id bigint,
    answer jsonb,
    tells_balance boolean,
    not_after_us bigint,
    refusals_left integer
);

-- A movement of money that a command makes, once it is accepted, in the order given. Commands are counted from 1.
CREATE TYPE ledger.posting AS (
    command integer,
    kind text,
    debit_account_id bigint,
    credit_account_id bigint,
    amount_minor bigint,
    reverses_row_id bigint,
    subject_id uuid
);

-- What has to be so for a command to be accepted; the first that is not, in the order given, refuses it. kind:
--   refused    never so: whoever asks has found out why
--   funds      so much is available on the account; or the command holds it already
--   room       so much is left of a room, of which commands before it may have taken; or the command holds it already
-- The refusal is stored, unless it is not to be kept. The message of one for lack of means may name %1$s, the amount
-- that is left, and %2$s, the amount asked for; and it tells, under the name of the figure, the least and the most that
-- would be accepted, by all guards of its command and by most_minor.
CREATE TYPE ledger.guard AS (
    command integer,
    kind text,
    account_id bigint,
    room text,
    left_minor bigint,
    amount_minor bigint,
    figure text,
    least_minor bigint,
    most_minor bigint,
    is_kept boolean,
    refusal jsonb
);
