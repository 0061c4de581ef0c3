-- What the result says of an outcome: factors that change nothing are left out.
CREATE OR REPLACE FUNCTION bets.outcome_word(p_outcome jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_array(
        p_outcome -> 'outcome_id', p_outcome -> 'void_factor_micro',
        CASE WHEN p_outcome -> 'void_factor_micro' <> '1000000' THEN p_outcome -> 'win_factor_micro' END,
        CASE WHEN p_outcome -> 'void_factor_micro' <> '1000000' AND p_outcome -> 'win_factor_micro' <> '0'
            THEN p_outcome -> 'dead_heat_factor_micro' END)
$$;
