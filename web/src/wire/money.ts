/** Money off the wire. */
import type { Money } from "../shared/format";
import type { Balance } from "../wallet/balance";
import type { Money as WireMoney } from "./gen/overround/common/v1/money_pb";
import type { Balance as WireBalance } from "./gen/overround/wallet/v1/wallet_pb";

export function toBalance(wire: WireBalance): Balance {
  return {
    available: toMoney(wire.available),
    held: toMoney(wire.held),
    accountVersion: Number(wire.accountVersion),
  };
}

export function toMoney(wire: WireMoney | undefined): Money {
  const { amountMinor, currency } = present(wire);
  return { amountMinor: Number(amountMinor), currency };
}

/** Returns a field that the contract promises. */
export function present<Field>(field: Field | undefined): Field {
  if (field === undefined) throw new Error("The server's answer lacked what the contract promises");
  return field;
}
