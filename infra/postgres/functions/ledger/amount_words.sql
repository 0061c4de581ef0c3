-- An amount as people write it, "EUR 12.50": what str() of kernel.money.Money says.
CREATE OR REPLACE FUNCTION ledger.amount_words(p_amount_minor bigint, p_currency text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT p_currency || ' ' || round(p_amount_minor / (10::numeric ^ d.digits), d.digits)
    FROM (
        SELECT CASE
            WHEN p_currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV',
                'XAF', 'XOF', 'XPF') THEN 0
            WHEN p_currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 3
            ELSE 2
        END AS digits
    ) AS d
$$;
