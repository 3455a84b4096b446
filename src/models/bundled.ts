/**
 * `tessera-codec/pack`: the whole default pack as code, for `models` where it has no address. Its neural models are modules of
 * their own, which bundlers put into files of their own, loaded by the first call that needs them.
 */

import type { PackReader } from './source.js';
import { readDefault } from './source.js';

/** The default model pack, wherever this code was bundled to. The entries `.` and `./serve` use it by themselves. */
export const bundledPack: PackReader = {
  read: (name) => readDefault(name, async () => (await import('../generated/default-models.js')).defaultModelFile(name)),
};
