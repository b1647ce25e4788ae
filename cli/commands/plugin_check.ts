/** `plugin check PLUGIN` */
import type { ExitStatus, Invocation } from "../command.ts";
export function pluginCheck(_: Invocation): Promise<ExitStatus> {
  return Promise.resolve(0);
}
