/** What is trusted, and where that comes from. Nothing here touches a network but `trust update`. */

export { builtinTrust } from "./built_in.ts";
export { describeTrust } from "./describe.ts";
export type { InstanceName } from "./repository.ts";
export { selectTrust, type TrustChoice } from "./select.ts";
export { type SelectedTrust, type Trust, type TrustOrigin } from "./trust.ts";
