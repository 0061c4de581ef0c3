-- depends: 0021.legs-of-players

-- A row tells that an event of a subject happened, by its number among them: whoever adds an event adds a file to
-- infra/postgres/outbox and nothing here. Transfers are numbered by their rows; of the legs of a bet each one's change
-- is counted at every event of it.
ALTER TABLE ledger.outbox ADD COLUMN event text, ADD COLUMN sequence bigint;
ALTER TABLE ledger.outbox RENAME COLUMN subject_id TO subject;
ALTER TABLE ledger.outbox DROP CONSTRAINT outbox_subject_given;
UPDATE ledger.outbox o SET
    event = CASE o.kind WHEN 1 THEN 'bet_changed' WHEN 2 THEN 'leg_changed' WHEN 3 THEN 'transfer_posted'
        ELSE 'player_registered' END,
    subject = CASE o.kind WHEN 3 THEN (SELECT t.transfer_id FROM ledger.transfer t WHERE t.row_id = o.transfer_row_id)
        ELSE o.subject END,
    sequence = CASE o.kind
        WHEN 1 THEN o.event_sequence
        WHEN 2 THEN o.event_sequence * (SELECT count(*) FROM bets.leg l WHERE l.bet_id = o.subject) + o.leg
        WHEN 3 THEN o.transfer_row_id
        ELSE 0 END;
ALTER TABLE ledger.outbox ALTER COLUMN event SET NOT NULL, ALTER COLUMN subject SET NOT NULL,
    ALTER COLUMN sequence SET NOT NULL, DROP COLUMN kind, DROP COLUMN event_sequence, DROP COLUMN leg,
    DROP COLUMN transfer_row_id;
