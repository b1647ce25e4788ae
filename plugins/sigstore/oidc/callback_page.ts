/** What a person's browser shows at the end of signing in. */

/** How it ended; undefined for a request that has no part in it. */
export type Ending = "signed in" | "refused" | undefined;

/** The page may do nothing, be kept nowhere and tell nobody its address, which holds the code. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy":
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "connection": "close",
};

/** A page without scripts, styles, or anything from the request. */
export function callbackPage(ending: Ending): string {
  const [title, text] = ending === "signed in"
    ? ["Signed in", "You can close this page and go back to the terminal."]
    : ending === "refused"
    ? ["Not signed in", "The identity provider refused. The terminal says why."]
    : ["Nothing to see here", "This request does not belong to a sign-in that is under way."];
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>model-signing: ${title}</title></head>
<body><h1>${title}</h1><p>${text}</p></body>
</html>
`;
}
