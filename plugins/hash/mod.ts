/**
 * The hashing engine.
 *
 * @module
 */

export { createHasher, type EngineOptions, hasherFactory } from "./engine.ts";
