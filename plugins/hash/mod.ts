/**
 * The hashing engine.
 *
 * @module
 */

export { createHasher, type EngineOptions, hasherFactory, MAX_JOBS } from "./engine.ts";
