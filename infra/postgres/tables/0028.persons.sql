-- depends: 0027.decisions-told

-- By whose rules a player plays: a name in the house's folder of jurisdictions.
ALTER TABLE pam.player ADD COLUMN jurisdiction text NOT NULL DEFAULT 'default'
    CHECK (jurisdiction ~ '^[a-z][a-z0-9_-]{0,31}$');
ALTER TABLE pam.player ALTER COLUMN jurisdiction DROP DEFAULT;

-- What players told of themselves, and nothing else does: no event, no answer and no log has any of it. Empty is what
-- was not told.
CREATE TABLE pam.person (
    player_id uuid PRIMARY KEY REFERENCES pam.player (player_id),
    country text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    given_name text NOT NULL,
    family_name text NOT NULL,
    address_line text NOT NULL,
    postcode text NOT NULL,
    birth_date date,
    email text NOT NULL,
    told_time_us bigint NOT NULL
);

-- Whether a player wants to be told of a product by a channel: the newest row counts, and no row is a no.
-- product: 1 sports, 2 casino. channel: 1 e-mail, 2 text message, 3 phone, 4 post.
CREATE TABLE pam.consent (
    player_id uuid NOT NULL REFERENCES pam.player (player_id),
    product smallint NOT NULL CHECK (product IN (1, 2)),
    channel smallint NOT NULL CHECK (channel BETWEEN 1 AND 4),
    time_us bigint NOT NULL,
    is_given boolean NOT NULL,
    PRIMARY KEY (player_id, product, channel, time_us)
);
CREATE TRIGGER consent_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pam.consent
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- That a register of exclusions was asked, for a registration or for a log-in, and what it said: Y excluded, N not, P no
-- more; null where there was no answer in time. Of a registration that was refused there is no player.
CREATE TABLE pam.register_inquiry (
    inquiry_id uuid PRIMARY KEY,
    register text NOT NULL,
    request_id uuid,
    player_id uuid,
    word text CHECK (word IN ('Y', 'N', 'P')),
    answer_id text,
    time_us bigint NOT NULL DEFAULT ledger.now_us(),
    CONSTRAINT inquiry_for_one CHECK ((request_id IS NULL) <> (player_id IS NULL)),
    CONSTRAINT inquiry_answer_named CHECK ((word IS NULL) = (answer_id IS NULL))
);
CREATE INDEX inquiry_of_player ON pam.register_inquiry (player_id) WHERE player_id IS NOT NULL;
CREATE INDEX inquiry_of_request ON pam.register_inquiry (request_id) WHERE request_id IS NOT NULL;
CREATE TRIGGER inquiry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pam.register_inquiry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
