-- depends: 0036.casino-rounds

-- Money that comes in by payment providers. What was asked for never changes; what became of it is told by events.

CREATE SCHEMA payments;

-- Of some kinds the house has an account for each payment provider: with each it stands otherwise.
ALTER TABLE ledger.account ADD COLUMN party text;
ALTER TABLE ledger.account DROP CONSTRAINT account_kind_known;
ALTER TABLE ledger.account ADD CONSTRAINT account_kind_known CHECK (
    CASE WHEN owner_id IS NULL
        THEN kind IN ('stakes', 'payouts', 'jackpot', 'psp_clearing', 'fees', 'fx', 'bonus_cost', 'chargeback', 'tax',
                      'suspense', 'test_money', 'bank_own', 'bank_safeguarded', 'rolling_reserve', 'dispute_hold')
        ELSE kind IN ('cash', 'bonus', 'bonus_winnings', 'free_bet', 'withdrawal_hold', 'receivable')
    END
);
ALTER TABLE ledger.account ADD CONSTRAINT account_party_named CHECK (
    (party IS NOT NULL) = (owner_id IS NULL AND kind IN ('psp_clearing', 'rolling_reserve', 'dispute_hold'))
);
DROP INDEX ledger.account_of_house;
CREATE UNIQUE INDEX account_of_house ON ledger.account (kind, currency, coalesce(party, '')) WHERE owner_id IS NULL;

-- What a player asked for.
CREATE TABLE payments.deposit (
    deposit_id uuid PRIMARY KEY,
    player_id uuid NOT NULL REFERENCES pam.player (player_id),
    account_id bigint NOT NULL REFERENCES ledger.account (account_id),
    request_id uuid NOT NULL,
    method text NOT NULL,
    instrument text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency text NOT NULL,
    asked_time_us bigint NOT NULL,
    CONSTRAINT deposit_once UNIQUE (player_id, request_id)
);
CREATE TRIGGER deposit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payments.deposit
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- One provider asked once for it; the reference is our name for that, stored before the provider hears of it. States go
-- on in one order: see payments.deposit in Python. decision: from what, and among whom, the provider was chosen.
CREATE TABLE payments.attempt (
    reference uuid PRIMARY KEY,
    deposit_id uuid NOT NULL REFERENCES payments.deposit (deposit_id),
    number smallint NOT NULL CHECK (number >= 0),
    provider text NOT NULL,
    decision jsonb NOT NULL,
    state text NOT NULL CHECK (state IN (
        'submitted', 'unknown', 'pending', 'authorised', 'expired', 'cancelled', 'declined', 'credited')),
    provider_reference text NOT NULL DEFAULT '',
    code text NOT NULL DEFAULT '',
    event_count integer NOT NULL CHECK (event_count > 0),
    begun_time_us bigint NOT NULL,
    asked_count integer NOT NULL DEFAULT 0,
    ask_time_us bigint,
    CONSTRAINT attempt_numbered UNIQUE (deposit_id, number),
    CONSTRAINT attempt_asked_while_open CHECK (
        (ask_time_us IS NOT NULL) = (state IN ('submitted', 'unknown', 'pending', 'authorised')))
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX attempt_of_provider ON payments.attempt (provider, provider_reference)
    WHERE provider_reference <> '';
CREATE INDEX attempt_due ON payments.attempt (ask_time_us) WHERE ask_time_us IS NOT NULL;

CREATE TABLE payments.attempt_event (
    reference uuid NOT NULL REFERENCES payments.attempt (reference),
    sequence integer NOT NULL CHECK (sequence >= 0),
    state text NOT NULL,
    provider_reference text NOT NULL,
    code text NOT NULL,
    time_us bigint NOT NULL,
    transaction_id xid8 NOT NULL DEFAULT ledger.transaction_id(),
    PRIMARY KEY (reference, sequence)
);
CREATE TRIGGER attempt_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payments.attempt_event
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- What providers sent, as it came, once its signature was found to be right: kept before it is answered, and worked on
-- after. What is closed with a complaint is for a person.
CREATE TABLE payments.inbox (
    message_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider text NOT NULL,
    body bytea NOT NULL,
    received_time_us bigint NOT NULL DEFAULT ledger.now_us(),
    closed_time_us bigint,
    complaint text,
    CONSTRAINT inbox_complaint_of_closed CHECK (complaint IS NULL OR closed_time_us IS NOT NULL)
);
CREATE UNIQUE INDEX inbox_once ON payments.inbox (provider, sha256(body));
CREATE INDEX inbox_new ON payments.inbox (message_id) WHERE closed_time_us IS NULL;
CREATE INDEX inbox_complaints ON payments.inbox (message_id) WHERE complaint IS NOT NULL;
