/** Other programs: finding them on PATH, and asking one. */

export { programEnvironment } from "./environment.ts";
export { findProgram, isProgram, PROGRAM_SUFFIX, searchedFolders } from "./find.ts";
export { askProgram, type ProgramAnswer } from "./ask.ts";
