/** Client of what players protect themselves with. */
import { createClient, type Transport } from "@connectrpc/connect";

import type { ProtectionClient } from "../compliance/client";
import type { Protection } from "../compliance/protection";
import { type Protection as WireProtection, ProtectionService } from "./gen/overround/pam/v1/protection_service_pb";
import { present, toMoney } from "./money";
import { callOptions } from "./transport";

export function createProtectionClient(transport: Transport): ProtectionClient {
  const client = createClient(ProtectionService, transport);
  return {
    async getProtection() {
      return toProtection((await client.getProtection({}, callOptions())).protection);
    },
    async setDepositLimit(requestId, window, amount) {
      const wireAmount = amount ? { amountMinor: BigInt(amount.amountMinor), currency: amount.currency } : undefined;
      const request = { requestId, window, ...(wireAmount && { amount: wireAmount }) };
      return toProtection((await client.setDepositLimit(request, callOptions())).protection);
    },
    async confirmDepositLimit(requestId, window) {
      return toProtection((await client.confirmDepositLimit({ requestId, window }, callOptions())).protection);
    },
    async takeTimeOut(requestId, hours) {
      await client.takeTimeOut({ requestId, hours }, callOptions());
    },
    async excludeSelf(requestId, months) {
      await client.excludeSelf({ requestId, months }, callOptions());
    },
  };
}

function toProtection(message: WireProtection | undefined): Protection {
  const wire = present(message);
  return {
    limits: wire.depositLimits.map((limit) => ({
      window: limit.window,
      amount: limit.amount ? toMoney(limit.amount) : null,
      paid: toMoney(limit.paid),
      raised: limit.raised ? toMoney(limit.raised) : null,
      raiseFromMs: Number(limit.raiseFromUs) / 1000,
      raiseNeedsConfirmation: limit.raiseNeedsConfirmation,
    })),
    windows: wire.windows,
    timeOutHours: [wire.timeOutHoursMin, wire.timeOutHoursMax],
    exclusionMonths: [wire.exclusionMonthsMin, wire.exclusionMonthsMax],
  };
}
