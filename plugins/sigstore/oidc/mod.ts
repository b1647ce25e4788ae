/**
 * Identity tokens: where they come from and what is read in them.
 *
 * {@link tokenSource} takes the first of these that applies, and never falls from one to the next:
 *
 * 1. the token that was given: `--identity-token`, its `@path`, or the environment;
 * 2. with `--use-ambient-credentials`, that of the machine: GitHub Actions, GitLab CI, Google Cloud, Buildkite,
 *    the cosign token file, in this order ({@link ambientToken});
 * 3. a person who signs in: with a browser, or with a code that is typed in.
 */

export { ambientToken, type AmbientTokenOptions } from "./ambient.ts";
export type { OAuthClient } from "./authorization.ts";
export { givenToken } from "./given.ts";
export { interactiveToken, type InteractiveTokenOptions } from "./interactive.ts";
export { type TokenChoice, type TokenSource, tokenSource } from "./source.ts";
export { type IdentityToken, parseIdentityToken } from "./token.ts";
