/** Plugins that are programs of their own, in any language. docs/plugin-protocol.md specifies how they are spoken to. */

export type { ProtocolContractSubject } from "./contract.ts";
export { findExecutable, listExecutables } from "./find.ts";
export { PROTOCOL_VERSION } from "./hello.ts";
export { MAX_PROGRAM_BYTES } from "./limits.ts";
export { type ExecOptions, type LoadedExecutable, loadExecutable } from "./load.ts";
export { protocolContract } from "./suite.ts";
