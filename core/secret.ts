/** A value that must not be shown: a password, a PIN, a token. */

import { inspect } from "node:util";

const REDACTED = "[redacted]";

/**
 * Wraps a secret so that logging, interpolating, serialising or inspecting it shows `[redacted]`. Only
 * {@link Secret.reveal} gives the value, so a search for that word finds every use.
 */
export class Secret {
  readonly #value: string;

  /** Wraps a value. */
  constructor(value: string) {
    this.#value = value;
    // Node's and Bun's console ask for the first symbol, Deno's for the second.
    for (const symbol of [inspect.custom, Symbol.for("Deno.customInspect")]) {
      Object.defineProperty(this, symbol, { value: () => REDACTED });
    }
  }

  /** The value itself. Hand it to the consumer directly; keep it in no other variable. */
  reveal(): string {
    return this.#value;
  }

  /** `[redacted]` */
  toString(): string {
    return REDACTED;
  }

  /** `[redacted]` */
  toJSON(): string {
    return REDACTED;
  }

  /** `[redacted]` */
  [Symbol.toPrimitive](): string {
    return REDACTED;
  }

  /** What `Object.prototype.toString` shows. */
  get [Symbol.toStringTag](): string {
    return "Secret";
  }
}
