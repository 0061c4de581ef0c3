"""What must always be true of deposits: each move is in its events, and each credit is what a provider owes us."""

from __future__ import annotations

from typing import Final

from infra.audit_check import Check

PAYMENTS: Final = (
    Check(
        "A deposit stands as its events say",
        "SELECT count(*) FROM payments.attempt_event",
        """
        SELECT format('attempt %s is %s (%s, %s) after %s events since %s, they say %s (%s, %s) after %s since %s',
            a.reference, a.state, a.provider_reference, a.code, a.event_count, a.begun_time_us, e.state,
            e.provider_reference, e.code, e.events, e.first_us)
        FROM payments.attempt a LEFT JOIN (
            SELECT reference, count(*) AS events, max(sequence) + 1 AS next,
                (array_agg(state ORDER BY sequence DESC))[1] AS state,
                (array_agg(provider_reference ORDER BY sequence DESC))[1] AS provider_reference,
                (array_agg(code ORDER BY sequence DESC))[1] AS code,
                min(time_us) FILTER (WHERE sequence = 0 AND (state, provider_reference, code) = ('submitted', '', ''))
                    AS first_us
            FROM payments.attempt_event GROUP BY reference
        ) AS e USING (reference)
        WHERE (a.state, a.provider_reference, a.code, a.event_count, a.event_count, a.begun_time_us)
            IS DISTINCT FROM (e.state, e.provider_reference, e.code, e.events, e.next, e.first_us)
        UNION ALL
        SELECT format('attempt %s goes from %s (%s) to %s (%s) at event %s', reference, before, name_before, state,
            provider_reference, sequence)
        FROM (
            SELECT *, lag(state) OVER step AS before, lag(provider_reference) OVER step AS name_before,
                lag(time_us) OVER step AS time_before
            FROM payments.attempt_event WINDOW step AS (PARTITION BY reference ORDER BY sequence)
        ) AS step,
        (SELECT '{submitted,unknown,pending,authorised,expired,cancelled,declined,credited}'::text[] AS states) AS known
        WHERE sequence > 0 AND NOT coalesce(array_position(states, state) > array_position(states, before), false)
            OR sequence > 0 AND name_before <> '' AND provider_reference <> name_before
            OR time_us < time_before OR time_us > ledger.now_us()
            OR code <> '' AND state NOT IN ('declined', 'cancelled', 'expired')
        UNION ALL
        SELECT format('deposit %s of %s has attempts %s of %s, and command %s', d.deposit_id, d.asked_time_us,
            a.numbers, a.first_us, c.answer)
        FROM payments.deposit d LEFT JOIN (
            SELECT deposit_id, array_agg(number ORDER BY number) AS numbers, count(*) AS attempts,
                max(number) + 1 AS next, min(begun_time_us) AS first_us
            FROM payments.attempt GROUP BY deposit_id
        ) AS a USING (deposit_id)
        LEFT JOIN ledger.command c
            ON c.provider = 'payments' AND c.key = format('deposit/%s:%s', d.player_id, d.request_id)
        WHERE (a.attempts, a.first_us, c.answer ->> 'deposit_id') IS DISTINCT FROM
            (a.next, d.asked_time_us, d.deposit_id::text)
        UNION ALL
        SELECT format('deposit %s in %s is to account %s, which is not the cash of %s', d.deposit_id, d.currency,
            d.account_id, d.player_id)
        FROM payments.deposit d LEFT JOIN ledger.account a USING (account_id)
        WHERE (a.owner_id, a.kind, a.currency) IS DISTINCT FROM (d.player_id, 'cash', d.currency)
        UNION ALL
        SELECT format('attempt %s was decided for %s, of which the decision says %s', a.reference, a.provider,
            a.decision)
        FROM payments.attempt a JOIN payments.deposit d USING (deposit_id)
        WHERE (
            a.decision ->> 'method', a.decision ->> 'currency', a.decision ->> 'amount_minor',
            a.decision ->> 'provider'
        ) IS DISTINCT FROM (d.method, d.currency, d.amount_minor::text, a.provider)
        """,
    ),
    Check(
        "What was captured is credited once, and nothing else is",
        "SELECT count(*) FROM payments.attempt",
        """
        SELECT format('attempt %s is %s, its credit is %s %s at %s', a.reference, a.state, t.row_id, t.amount_minor,
            t.time_us)
        FROM payments.attempt a
        JOIN payments.deposit d USING (deposit_id)
        LEFT JOIN payments.attempt_event e ON e.reference = a.reference AND e.state = 'credited'
        LEFT JOIN ledger.transfer t ON t.provider = 'payments' AND t.leg = 0
            AND t.key = format('%s/%s/credit', a.provider, a.provider_reference)
        LEFT JOIN ledger.command c ON c.provider = 'payments' AND c.key = t.key
        WHERE CASE a.state WHEN 'credited' THEN (
                t.kind, t.subject_id, t.credit_account_id, t.amount_minor, t.currency, t.time_us,
                c.answer ->> 'reference'
            ) IS DISTINCT FROM (
                'deposit', d.deposit_id, d.account_id, d.amount_minor, d.currency, e.time_us, a.reference::text
            )
            ELSE t.row_id IS NOT NULL END
        UNION ALL
        SELECT format('transfer %s of %s %s is of no attempt', t.row_id, t.provider, t.key) FROM ledger.transfer t
        WHERE t.provider = 'payments' AND t.kind = 'deposit' AND NOT EXISTS (
            SELECT FROM payments.attempt a
            WHERE t.key = format('%s/%s/credit', a.provider, a.provider_reference) AND a.state = 'credited'
        )
        """,
    ),
    Check(
        "Clearing of each payment provider is what it has not settled",
        "SELECT count(*) FROM ledger.account WHERE kind = 'psp_clearing'",
        """
        SELECT format('%s has %s on its clearing account in %s, what it took and did not settle is %s',
            coalesce(held.party, owed.provider), held.minor, coalesce(held.currency, owed.currency), owed.minor)
        FROM (
            SELECT a.party, a.currency, -sum(
                CASE a.account_id WHEN t.credit_account_id THEN t.amount_minor ELSE -t.amount_minor END) AS minor
            FROM ledger.account a
            LEFT JOIN ledger.transfer t ON a.account_id IN (t.debit_account_id, t.credit_account_id)
            WHERE a.owner_id IS NULL AND a.kind = 'psp_clearing' GROUP BY a.party, a.currency
        ) AS held FULL JOIN (
            SELECT a.provider, d.currency, sum(d.amount_minor) AS minor
            FROM payments.attempt a JOIN payments.deposit d USING (deposit_id)
            WHERE a.state = 'credited' GROUP BY a.provider, d.currency
        ) AS owed ON (owed.provider, owed.currency) = (held.party, held.currency)
        WHERE held.minor IS DISTINCT FROM owed.minor
        """,
    ),
)
