/** Plugins of third parties, whatever form they come in: what they say about themselves, and the border to their code. */

export { across, describing, openCalls } from "./across.ts";
export {
  declarationAt,
  type DeclaredAction,
  type DeclaredProvider,
  type PluginDeclaration,
} from "./declaration.ts";
export { guardPlugin, requireContract } from "./guard.ts";
export { KEBAB_CASE, lineAt, optionsAt } from "./options.ts";
export * from "./shape.ts";
export { readAnswer, readDeclaration } from "./reading.ts";
export { requireHolding } from "./signed.ts";
export { descriptionAt, verificationAt } from "./verification.ts";
export { type PlaceOptions, type SafeFile, safeFile, safePlace } from "./place.ts";
export { PrivateFolder } from "./private_folder.ts";
export { Stopwatch } from "./stopwatch.ts";
