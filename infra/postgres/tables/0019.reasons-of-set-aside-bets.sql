-- depends: 0018.claims

-- Why a bet was set aside is one of a few reasons; what the server said stays in the detail.
UPDATE bets.unsettled SET detail = reason || ': ' || detail, reason = CASE
    WHEN reason ~ '(OutOfRange|InvalidText|Data)' THEN 'AMOUNT_OUT_OF_RANGE'
    WHEN reason ~ 'Violation' THEN 'LEDGER_RULE_BROKEN'
    ELSE 'LEDGER_REFUSED'
END;
ALTER TABLE bets.unsettled ADD CONSTRAINT unsettled_reason_known
    CHECK (reason IN ('AMOUNT_OUT_OF_RANGE', 'LEDGER_RULE_BROKEN', 'LEDGER_REFUSED'));
