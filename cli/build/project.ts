/** Where the project is. */

import { fileURLToPath } from "node:url";

/** The project's folder, with a separator at its end. */
export const ROOT: string = fileURLToPath(new URL("../..", import.meta.url));
