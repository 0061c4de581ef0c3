-- depends: 0022.open-outbox

-- Which log the ledger is told in, and how far that log is known to have come: one that is another, or that ends before,
-- lacks what everybody believes to be told. Until a person adopts it nothing is told there, read from there or bet on
-- what is written there.
CREATE TABLE ledger.told_log (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    log_id text NOT NULL,
    anchors_end bigint NOT NULL CHECK (anchors_end >= 0)
);
