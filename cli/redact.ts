/** Taking secrets out of what a user typed in the wrong place. */

/** Without signed JSON Web Tokens: `eyJ` is the base64url of `{"`. */
export function withoutTokens(text: string): string {
  return text.replace(/(?<![\w-])eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+/g, "[redacted]");
}

/** A reference without tokens, and without what stands before the host: `user:password@`. */
export function withoutCredentials(reference: string): string {
  return withoutTokens(reference).replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/]*@/i, "$1[redacted]@");
}
