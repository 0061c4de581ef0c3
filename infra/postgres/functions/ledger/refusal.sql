-- The refusal of a guard as it is stored: of one for lack of means, with what was left and what would be accepted. A
-- most below the least means that nothing would be.
CREATE OR REPLACE FUNCTION ledger.refusal(
    p_guard ledger.guard, p_left_minor bigint, p_most_minor bigint, p_currency text
) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF p_guard.kind = 'refused' THEN
        RETURN p_guard.refusal;
    END IF;
    RETURN p_guard.refusal || jsonb_strip_nulls(jsonb_build_object(
        'message', format(
            p_guard.refusal ->> 'message', ledger.amount_words(p_left_minor, p_currency),
            ledger.amount_words(p_guard.amount_minor, p_currency)),
        p_guard.figure || '_max_minor', CASE WHEN p_most_minor < p_guard.least_minor THEN 0 ELSE p_most_minor END,
        p_guard.figure || '_min_minor', p_guard.least_minor
    ));
END
$$;
