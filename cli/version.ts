/**
 * The program's version: that of `package.json`, which a test compares. The file itself would be in the binary as a whole,
 * and names packages that are not.
 */
export const VERSION = "0.1.0";
