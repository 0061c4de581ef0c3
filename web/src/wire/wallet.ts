/** Client of the player's money. */
import { createClient, type Transport } from "@connectrpc/connect";

import type { WalletClient } from "../wallet/client";
import { WalletService } from "./gen/overround/wallet/v1/wallet_service_pb";
import { present, toBalance } from "./money";
import { callOptions } from "./transport";

export function createWalletClient(transport: Transport): WalletClient {
  const client = createClient(WalletService, transport);
  return {
    async depositTestMoney(requestId, amount) {
      const wireAmount = { amountMinor: BigInt(amount.amountMinor), currency: amount.currency };
      const response = await client.depositTestMoney({ requestId, amount: wireAmount }, callOptions());
      return toBalance(present(response.balance));
    },
  };
}
