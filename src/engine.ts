/** The engine with the core that is inside this package, for decoding by the core alone or for encoding. */

import { EngineBase } from './engine-base.js';
import { compileCore } from './wasm.js';

/** An engine that needs nothing from outside. */
export class Engine extends EngineBase {
  constructor() {
    super({ compile: compileCore });
  }
}
