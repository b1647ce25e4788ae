/** Certificates that sign models, shared by the methods that sign or verify with one. */

export { signingChain, type SigningChainOptions } from "./chain.ts";
export { leafKey, usageIssue } from "./leaf.ts";
export { CERTIFICATE_CHAIN_OPTION, readChainFiles, readSigningCertificate } from "./options.ts";
