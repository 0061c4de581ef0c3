-- What results could not do to bets before, one of their kind of the same market has overtaken.
CREATE OR REPLACE FUNCTION bets.supersede(p_result_key text, p_bet_ids uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE bets.unsettled u SET state = 'superseded'
    FROM bets.settlement earlier, bets.settlement told
    WHERE u.bet_id = ANY (p_bet_ids) AND u.state = 'held' AND earlier.result_key = u.result_key
        AND told.result_key = p_result_key AND (earlier.kind <= 2) = (told.kind <= 2)
        AND (earlier.fixture_id, earlier.market_id) = (told.fixture_id, told.market_id);
END
$$;
