/** Taking secrets out of what a user typed in the wrong place. */

/** What is a secret by its form. */
const SECRETS: readonly RegExp[] = [
  // A signed JSON Web Token: `eyJ` is the base64url of `{"`.
  /(?<![\w-])eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+/g,
  // The PIN in a PKCS#11 URI (RFC 7512 2.4).
  /(?<=\bpin-value=)[^&;\s"]+/gi,
  // `user:password@` in a URL. Sentences quote values, so it ends at a quotation mark.
  /(?<=(?<![\w/])[a-z][a-z0-9+.-]*:\/\/)[^/\s"]+(?=@)/gi,
];

/** A text without tokens, PINs and passwords in URLs. */
export function withoutSecrets(text: string): string {
  return SECRETS.reduce((rest, secret) => rest.replace(secret, "[redacted]"), text);
}

/** A reference without all that, whatever characters stand before its host. */
export function withoutCredentials(reference: string): string {
  return withoutSecrets(reference).replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/]*@/i, "$1[redacted]@");
}
