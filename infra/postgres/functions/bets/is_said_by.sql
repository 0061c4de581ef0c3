-- Whether a settlement says nothing that the other does not say.
CREATE OR REPLACE FUNCTION bets.is_said_by(p_result jsonb, p_other jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(p_result -> 'reductions', '[]') = coalesce(p_other -> 'reductions', '[]') AND NOT EXISTS (
        SELECT bets.outcome_word(o) FROM jsonb_array_elements(p_result -> 'outcomes') AS o
        EXCEPT SELECT bets.outcome_word(o) FROM jsonb_array_elements(p_other -> 'outcomes') AS o
    )
$$;
