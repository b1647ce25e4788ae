/** Plugins that are ES modules. */

export { pluginHost } from "./host.ts";
export {
  isModule,
  type LoadedModule,
  loadModule,
  MAX_PLUGIN_BYTES,
  type ModuleOptions,
} from "./load.ts";
