/** google.rpc.ErrorInfo, read by field number: reason 1, domain 2, metadata 3 (a map of strings). */
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

export interface ErrorInfo {
  readonly reason: string;
  readonly domain: string;
  readonly metadata: ReadonlyMap<string, string>;
}

export const ERROR_INFO_TYPE = "google.rpc.ErrorInfo";

export function readErrorInfo(bytes: Uint8Array): ErrorInfo {
  const reader = new BinaryReader(bytes);
  const metadata = new Map<string, string>();
  let reason = "";
  let domain = "";
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1 && wireType === WireType.LengthDelimited) reason = reader.string();
    else if (field === 2 && wireType === WireType.LengthDelimited) domain = reader.string();
    else if (field === 3 && wireType === WireType.LengthDelimited) metadata.set(...readEntry(reader.bytes()));
    else reader.skip(wireType, field);
  }
  return { reason, domain, metadata };
}

function readEntry(bytes: Uint8Array): [string, string] {
  const reader = new BinaryReader(bytes);
  let key = "";
  let value = "";
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1 && wireType === WireType.LengthDelimited) key = reader.string();
    else if (field === 2 && wireType === WireType.LengthDelimited) value = reader.string();
    else reader.skip(wireType, field);
  }
  return [key, value];
}
