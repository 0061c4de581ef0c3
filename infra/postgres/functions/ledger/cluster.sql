-- Which cluster this is, and on which line of its history: a restored one has another name, a rewound one another line.
CREATE OR REPLACE FUNCTION ledger.cluster() RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT system_identifier::text || '/' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)
    FROM pg_control_system()
$$;
