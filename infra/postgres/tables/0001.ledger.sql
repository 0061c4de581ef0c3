-- depends:

-- Money. Everything here is written by the functions below and never changed afterwards, but for balances, holds that
-- end and answers that are filled in by the transaction that made their command.

CREATE SCHEMA ledger;

CREATE FUNCTION ledger.now_us() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
$$;

CREATE FUNCTION ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is append-only', tg_table_schema, tg_table_name USING ERRCODE = 'restrict_violation';
END
$$;

-- A player's accounts carry their balance in posted_minor. A house account (no owner) is insert-only: its transfers are
-- rolled up into posted_minor later, in the order of the Merkle chain.
CREATE TABLE ledger.account (
    account_id bigint GENERATED ALWAYS AS IDENTITY (START WITH 1001) PRIMARY KEY,
    owner_id uuid,
    kind text NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    jurisdiction text,
    guarded boolean NOT NULL,
    posted_minor bigint NOT NULL DEFAULT 0,
    held_minor bigint NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 0,
    opened_time_us bigint NOT NULL DEFAULT ledger.now_us(),
    CONSTRAINT account_kind_known CHECK (
        CASE WHEN owner_id IS NULL
            THEN kind IN ('stakes', 'payouts', 'jackpot', 'psp_clearing', 'fees', 'fx', 'bonus_cost', 'chargeback',
                          'tax', 'suspense', 'test_money')
            ELSE kind IN ('cash', 'bonus', 'bonus_winnings', 'free_bet', 'withdrawal_hold', 'receivable')
        END
    ),
    CONSTRAINT account_held_not_negative CHECK (held_minor >= 0),
    CONSTRAINT account_guarded_not_negative CHECK (NOT guarded OR posted_minor - held_minor >= 0)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX account_of_house ON ledger.account (kind, currency) WHERE owner_id IS NULL;
CREATE UNIQUE INDEX account_of_player ON ledger.account (owner_id, kind, currency) WHERE kind IN ('cash', 'receivable');

-- The same key gets the same answer for ever; another fingerprint under it is refused.
CREATE TABLE ledger.command (
    provider text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
    answer jsonb,
    time_us bigint NOT NULL DEFAULT ledger.now_us(),
    PRIMARY KEY (provider, key)
) WITH (fillfactor = 60);
CREATE TRIGGER command_answered_once BEFORE UPDATE ON ledger.command
    FOR EACH ROW WHEN (OLD.answer IS NOT NULL) EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER command_kept BEFORE DELETE OR TRUNCATE ON ledger.command
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- Versions are those of the accounts after the transfer, null on the house's side.
CREATE TABLE ledger.transfer (
    row_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    transfer_id uuid NOT NULL DEFAULT gen_random_uuid(),
    provider text NOT NULL,
    key text NOT NULL,
    leg smallint NOT NULL CHECK (leg >= 0),
    kind text NOT NULL,
    debit_account_id bigint NOT NULL,
    credit_account_id bigint NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency text NOT NULL,
    debit_version bigint,
    credit_version bigint,
    reverses_row_id bigint REFERENCES ledger.transfer (row_id),
    subject_id uuid,
    time_us bigint NOT NULL,
    CONSTRAINT transfer_between_two CHECK (debit_account_id <> credit_account_id),
    CONSTRAINT transfer_once UNIQUE (provider, key, leg)
);
CREATE INDEX transfer_in_order ON ledger.transfer (transaction_id, row_id);
CREATE UNIQUE INDEX transfer_debit_version ON ledger.transfer (debit_account_id, debit_version)
    WHERE debit_version IS NOT NULL;
CREATE UNIQUE INDEX transfer_credit_version ON ledger.transfer (credit_account_id, credit_version)
    WHERE credit_version IS NOT NULL;
CREATE UNIQUE INDEX transfer_reversed_once ON ledger.transfer (reverses_row_id) WHERE reverses_row_id IS NOT NULL;
CREATE TRIGGER transfer_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.transfer
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- Money set aside until it is posted (wholly or in part), voided or expired: it ends at most once.
CREATE TABLE ledger.hold (
    hold_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    provider text NOT NULL,
    key text NOT NULL,
    account_id bigint NOT NULL REFERENCES ledger.account (account_id),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'posted', 'voided', 'expired')),
    posted_minor bigint NOT NULL DEFAULT 0,
    expires_time_us bigint NOT NULL,
    begun_time_us bigint NOT NULL,
    ended_time_us bigint,
    CONSTRAINT hold_once UNIQUE (provider, key),
    CONSTRAINT hold_end_dated CHECK ((state = 'pending') = (ended_time_us IS NULL)),
    CONSTRAINT hold_posted_within CHECK (
        CASE state WHEN 'posted' THEN posted_minor BETWEEN 1 AND amount_minor ELSE posted_minor = 0 END
    )
);
CREATE INDEX hold_pending ON ledger.hold (account_id) WHERE state = 'pending';
CREATE TRIGGER hold_ends_once BEFORE UPDATE ON ledger.hold
    FOR EACH ROW WHEN (OLD.state <> 'pending') EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER hold_kept BEFORE DELETE OR TRUNCATE ON ledger.hold
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- A reversal that came before its original: the original must never move money.
CREATE TABLE ledger.tombstone (
    provider text NOT NULL,
    key text NOT NULL,
    reversal_key text NOT NULL,
    time_us bigint NOT NULL DEFAULT ledger.now_us(),
    PRIMARY KEY (provider, key)
);
CREATE TRIGGER tombstone_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.tombstone
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- What has to be told to the log. A row names what happened; the rows it names never change, so the relay reads them
-- when it publishes. Kinds: 1 bet event, 2 leg of a bet event, 3 transfer, 4 player registered.
CREATE TABLE ledger.outbox (
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    row_id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 4),
    subject_id uuid,
    event_sequence integer,
    leg smallint,
    transfer_row_id bigint,
    time_us bigint NOT NULL,
    PRIMARY KEY (transaction_id, row_id),
    CONSTRAINT outbox_subject_given CHECK (
        CASE kind
            WHEN 1 THEN subject_id IS NOT NULL AND event_sequence IS NOT NULL
            WHEN 2 THEN subject_id IS NOT NULL AND event_sequence IS NOT NULL AND leg IS NOT NULL
            WHEN 3 THEN transfer_row_id IS NOT NULL
            ELSE subject_id IS NOT NULL
        END
    )
);

-- How far the relay has published.
CREATE TABLE ledger.relay_position (
    relay text PRIMARY KEY,
    transaction_id xid8 NOT NULL,
    row_id bigint NOT NULL,
    time_us bigint NOT NULL
);
INSERT INTO ledger.relay_position (relay, transaction_id, row_id, time_us) VALUES ('outbox', '0', 0, ledger.now_us());

-- The Merkle chain over the transfers, in the order of (transaction_id, row_id).
CREATE TABLE ledger.chain_block (
    block_id bigint PRIMARY KEY CHECK (block_id > 0),
    last_transaction_id xid8 NOT NULL,
    last_row_id bigint NOT NULL,
    transfer_count integer NOT NULL CHECK (transfer_count > 0),
    merkle_root bytea NOT NULL CHECK (octet_length(merkle_root) = 32),
    previous_hash bytea NOT NULL CHECK (octet_length(previous_hash) = 32),
    block_hash bytea NOT NULL CHECK (octet_length(block_hash) = 32),
    time_us bigint NOT NULL
);
CREATE TRIGGER chain_block_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.chain_block
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- The house's account of that kind, opened when it is first wanted.
CREATE FUNCTION ledger.house_account(p_kind text, p_currency text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_account_id bigint;
BEGIN
    SELECT account_id INTO v_account_id FROM ledger.account
    WHERE owner_id IS NULL AND kind = p_kind AND currency = p_currency;
    IF NOT FOUND THEN
        INSERT INTO ledger.account (kind, currency, guarded) VALUES (p_kind, p_currency, false) ON CONFLICT DO NOTHING;
        SELECT account_id INTO STRICT v_account_id FROM ledger.account
        WHERE owner_id IS NULL AND kind = p_kind AND currency = p_currency;
    END IF;
    RETURN v_account_id;
END
$$;

DO $$
BEGIN
    PERFORM ledger.house_account(kind, 'EUR') FROM unnest(ARRAY['stakes', 'payouts', 'test_money']) AS kind;
END
$$;

-- Move money between two accounts that the caller has locked in ascending id; a guarded one that would fall below zero
-- violates its constraint. The outbox tells of it.
CREATE FUNCTION ledger.move(
    p_provider text, p_key text, p_kind text, p_debit_account_id bigint, p_credit_account_id bigint,
    p_amount_minor bigint, p_reverses_row_id bigint, p_subject_id uuid, p_now_us bigint
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_debit_version bigint;
    v_credit_version bigint;
    v_currency text;
    v_row_id bigint;
BEGIN
    SELECT debited.currency INTO v_currency FROM ledger.account debited JOIN ledger.account credited USING (currency)
    WHERE debited.account_id = p_debit_account_id AND credited.account_id = p_credit_account_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Accounts % and % must exist and share a currency', p_debit_account_id, p_credit_account_id
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    UPDATE ledger.account SET posted_minor = posted_minor - p_amount_minor, version = version + 1
    WHERE account_id = p_debit_account_id AND owner_id IS NOT NULL RETURNING version INTO v_debit_version;
    UPDATE ledger.account SET posted_minor = posted_minor + p_amount_minor, version = version + 1
    WHERE account_id = p_credit_account_id AND owner_id IS NOT NULL RETURNING version INTO v_credit_version;
    INSERT INTO ledger.transfer (
        provider, key, leg, kind, debit_account_id, credit_account_id, amount_minor, currency, debit_version,
        credit_version, reverses_row_id, subject_id, time_us
    )
    SELECT p_provider, p_key, coalesce(max(leg) + 1, 0), p_kind, p_debit_account_id, p_credit_account_id,
        p_amount_minor, v_currency, v_debit_version, v_credit_version, p_reverses_row_id, p_subject_id, p_now_us
    FROM ledger.transfer WHERE provider = p_provider AND key = p_key
    RETURNING row_id INTO v_row_id;
    INSERT INTO ledger.outbox (kind, transfer_row_id, time_us) VALUES (3, v_row_id, p_now_us);
    RETURN v_row_id;
END
$$;

-- The balance as it goes into an answer.
CREATE FUNCTION ledger.balance_of(p_account_id bigint) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'available_minor', posted_minor - held_minor, 'held_minor', held_minor, 'currency', currency,
        'account_version', version
    ) FROM ledger.account WHERE account_id = p_account_id
$$;

-- Insert a command; true where it is new, so that the caller must act and store the answer.
CREATE FUNCTION ledger.begin_command(p_provider text, p_key text, p_fingerprint bytea) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger.command (provider, key, fingerprint) VALUES (p_provider, p_key, p_fingerprint)
    ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;

CREATE FUNCTION ledger.answer_command(p_provider text, p_key text, p_answer jsonb) RETURNS void LANGUAGE sql AS $$
    UPDATE ledger.command SET answer = p_answer WHERE provider = p_provider AND key = p_key
$$;

-- Pay into a player's account from a house account, once for each key. What a tombstone names never moves.
CREATE FUNCTION ledger.deposit(
    p_provider text, p_key text, p_fingerprint bytea, p_kind text, p_house_kind text, p_account_id bigint,
    p_amount_minor bigint, p_currency text
) RETURNS TABLE (is_same boolean, answer text) LANGUAGE plpgsql AS $$
DECLARE
    v_currency text;
    v_answer jsonb;
BEGIN
    IF ledger.begin_command(p_provider, p_key, p_fingerprint) THEN
        SELECT account.currency INTO STRICT v_currency FROM ledger.account
        WHERE account_id = p_account_id AND owner_id IS NOT NULL FOR UPDATE;
        IF v_currency <> p_currency THEN
            v_answer := jsonb_build_object('refusal', 'CURRENCY_MISMATCH', 'currency', v_currency);
        ELSIF EXISTS (SELECT FROM ledger.tombstone t WHERE t.provider = p_provider AND t.key = p_key) THEN
            v_answer := jsonb_build_object('refusal', 'REVERSED_BEFORE');
        ELSE
            PERFORM ledger.move(
                p_provider, p_key, p_kind, ledger.house_account(p_house_kind, p_currency), p_account_id, p_amount_minor,
                NULL, NULL, ledger.now_us()
            );
            v_answer := jsonb_build_object('balance', ledger.balance_of(p_account_id));
        END IF;
        PERFORM ledger.answer_command(p_provider, p_key, v_answer);
    END IF;
    RETURN QUERY SELECT c.fingerprint = p_fingerprint, c.answer::text FROM ledger.command c
        WHERE c.provider = p_provider AND c.key = p_key;
END
$$;
