-- The trigger of tables whose rows stay as they are.
CREATE OR REPLACE FUNCTION ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is append-only', tg_table_schema, tg_table_name USING ERRCODE = 'restrict_violation';
END
$$;
